/* The training run for profile-guided optimization: an instrumented interpreter starts, as it does
 * in the program.
 *
 * Two builds of a commit must give the same file, and the interpreter's code depends on the counts.
 * So the counts must not depend on files, streams, the environment, or (because dictionaries hash
 * addresses) on where memory lies. The kernel places memory at random, so all of Python's memory
 * comes from an array at a fixed address. */

#include <Python.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encodings.h"
#include "encodings.aliases.h"
#include "encodings.utf_8.h"

#define HEADER 16 /* holds the size of a block, and keeps blocks aligned */
#define PAGE 4096
#define STACK (8 << 20)

static _Alignas(PAGE) char memory[64 << 20];
static size_t used;

static void *take(size_t size, size_t alignment) {
    size_t start = (used + alignment - 1) & ~(alignment - 1);
    if (size > sizeof memory - start) {
        return NULL;
    }
    used = start + size;
    return memory + start;
}

static void *fixed_malloc(void *unused, size_t size) {
    char *block = take(HEADER + size, HEADER);
    if (block == NULL) {
        return NULL;
    }
    *(size_t *)block = size;
    return block + HEADER;
}

/* No memory is reused, so every block is still zero. */
static void *fixed_calloc(void *unused, size_t count, size_t size) {
    return fixed_malloc(NULL, count * size);
}

static void *fixed_realloc(void *unused, void *block, size_t size) {
    void *larger = fixed_malloc(NULL, size);
    if (larger && block) {
        size_t before = *(size_t *)((char *)block - HEADER);
        memcpy(larger, block, before < size ? before : size);
    }
    return larger;
}

static void fixed_free(void *unused, void *block) {}

static void *fixed_arena(void *unused, size_t size) { return take(size, PAGE); }

static void fixed_arena_free(void *unused, void *arena, size_t size) {}

/* The program does not look for an installation either (startup.c). */
PyStatus __wrap__PyConfig_InitPathConfig(PyConfig *config, int compute) { return PyStatus_Ok(); }

static void expect(PyStatus status) {
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
}

static void *start(void *unused) {
    PyPreConfig preconfig;
    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1;
    expect(Py_PreInitialize(&preconfig));
    PyMemAllocatorEx blocks = {NULL, fixed_malloc, fixed_calloc, fixed_realloc, fixed_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &blocks);
    PyObjectArenaAllocator arenas = {NULL, fixed_arena, fixed_arena_free};
    PyObject_SetArenaAllocator(&arenas);

    /* modules that a start imports and CPython does not freeze by itself */
    static const struct _frozen inside[] = {
        {"encodings", _Py_M__encodings, sizeof _Py_M__encodings, 1},
        {"encodings.aliases", _Py_M__encodings_aliases, sizeof _Py_M__encodings_aliases, 0},
        {"encodings.utf_8", _Py_M__encodings_utf_8, sizeof _Py_M__encodings_utf_8, 0},
        {NULL},
    };
    PyImport_FrozenModules = inside;

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config.module_search_paths_set = 1;
    config.site_import = 0;
    expect(Py_InitializeFromConfig(&config));
    exit(PyImport_ImportModule("os") ? 0 : 1); /* a typical module written in Python */
}

int main(void) {
    clearenv();
    if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout)) {
        return 1;
    }
    /* a thread, because its stack and its identity can be in the array, too */
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, take(STACK, PAGE), STACK);
    return pthread_create(&thread, &attributes, start, NULL) || pthread_join(thread, NULL);
}
