// The smallest `in` that signs with AWS's SDK for Go: a request on stdin, the URL in a file, the version on stdout.
// With `files`, the files of s3-presigned-url.
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
		Files     map[string]struct {
			Key string `json:"file_path"`
		} `json:"files"`
	} `json:"params"`
	Version map[string]string `json:"version"`
}

func main() {
	var in request
	must(json.NewDecoder(os.Stdin).Decode(&in))
	presigner := newPresigner(in)
	if in.Params.Files == nil {
		write("url", presign(presigner, in, in.Params.Key))
	} else {
		several(presigner, in)
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"version": in.Version}))
}

func several(presigner *s3.PresignClient, in request) {
	urls := map[string]string{}
	for name, file := range in.Params.Files {
		urls[name] = presign(presigner, in, file.Key)
		must(os.Mkdir(filepath.Join(os.Args[1], name), 0o755))
		write(filepath.Join(name, "url"), urls[name])
		write(filepath.Join(name, "s3_uri"), "s3://"+in.Source.Bucket+"/"+file.Key)
		expiresAt := time.Now().Add(in.Params.ExpiresIn * time.Second).UTC()
		write(filepath.Join(name, "expires_at"), expiresAt.Format(time.RFC3339))
	}
	text, err := json.MarshalIndent(urls, "", "  ")
	must(err)
	write("urls.json", string(text))
}

func newPresigner(in request) *s3.PresignClient {
	return s3.NewPresignClient(s3.New(s3.Options{
		Region:      in.Source.Region,
		Credentials: credentials.NewStaticCredentialsProvider(in.Source.AccessKeyID, in.Source.SecretAccessKey, ""),
	}))
}

func presign(presigner *s3.PresignClient, in request, key string) string {
	object := &s3.GetObjectInput{Bucket: aws.String(in.Source.Bucket), Key: aws.String(key)}
	signed, err := presigner.PresignGetObject(
		context.Background(), object, s3.WithPresignExpires(in.Params.ExpiresIn*time.Second))
	must(err)
	return signed.URL
}

func write(path, text string) {
	must(os.WriteFile(filepath.Join(os.Args[1], path), []byte(text), 0o644))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
