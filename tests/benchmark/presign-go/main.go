// The smallest `in` that signs with AWS's SDK for Go: a request on stdin, the URL in a file, the version on stdout.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

type request struct {
	Source struct {
		Bucket          string `json:"bucket_name"`
		Region          string `json:"region_name"`
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
	} `json:"source"`
	Params struct {
		Key       string        `json:"file_path"`
		ExpiresIn time.Duration `json:"expires_in"`
	} `json:"params"`
	Version map[string]string `json:"version"`
}

func main() {
	var in request
	must(json.NewDecoder(os.Stdin).Decode(&in))
	url := presign(in)
	must(os.WriteFile(filepath.Join(os.Args[1], "url"), []byte(url), 0o600))
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"version": in.Version}))
}

func presign(in request) string {
	client := s3.New(s3.Options{
		Region:      in.Source.Region,
		Credentials: credentials.NewStaticCredentialsProvider(in.Source.AccessKeyID, in.Source.SecretAccessKey, ""),
	})
	object := &s3.GetObjectInput{Bucket: aws.String(in.Source.Bucket), Key: aws.String(in.Params.Key)}
	signed, err := s3.NewPresignClient(client).PresignGetObject(
		context.Background(), object, s3.WithPresignExpires(in.Params.ExpiresIn*time.Second))
	must(err)
	return signed.URL
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
