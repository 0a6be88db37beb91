/* The floor: what it costs to run any program at all. */
int main(void) { return 0; }
