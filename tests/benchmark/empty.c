/* The least that running any program costs. */
int main(void) { return 0; }
