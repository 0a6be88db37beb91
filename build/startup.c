/* The seams between Nuitka's main program, CPython and the machine.
 *
 * The linker's --wrap redirects calls of X to __wrap_X below (see LINK_FLAGS in binary.py). The
 * program is one file that depends on nothing around it. So it does not look up its own location,
 * an installation of Python, or environment variables for Python. */

#define _GNU_SOURCE
#include <Python.h>

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "/s3-presigned-url"

extern PyObject *PyInit__core(void);
extern char *__real_setlocale(int category, const char *locale);
extern locale_t __real_newlocale(int categories, const char *locale, locale_t base);
extern ssize_t __real_readlink(const char *path, char *buffer, size_t size);
extern PyObject *__real_PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code,
                                                      PyObject *path, PyObject *cached);
extern PyObject *__real_PyImport_ImportModule(const char *name);
extern PyObject *__real__PyImport_GetModuleAttrString(const char *name, const char *attribute);
extern PyStatus __real_Py_PreInitialize(const PyPreConfig *config);
extern PyStatus __real_Py_InitializeFromConfig(const PyConfig *config);

/* The first access to a page costs a page fault. A start uses every page of its first arena, but
 * few of the second, so it is cheaper to populate the first arena at once. */
static void *arena_alloc(void *unused, size_t size) {
    static int populate = MAP_POPULATE;
    void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
    populate = 0;
    return arena == MAP_FAILED ? NULL : arena;
}

static void arena_free(void *unused, void *arena, size_t size) { munmap(arena, size); }

/* Nuitka opens /dev/null for a closed standard stream, which would hide errors. The wrong end of a
 * pipe takes the descriptor instead, so that reads and writes fail with "Bad file descriptor". */
static void keep_closed(int stream, int wrong_end) {
    int ends[2];
    if (fcntl(stream, F_GETFD) == -1 && pipe(ends) == 0) {
        dup2(ends[wrong_end], stream);
        for (int end = 0; end < 2; end++) {
            if (ends[end] != stream) {
                close(ends[end]);
            }
        }
    }
}

/* With less than half of it, the interpreter fails without a message or hangs as it starts. With
 * little more, boto3 does. */
static void need_memory(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < 64 << 20) {
        dprintf(STDERR_FILENO, "s3-presigned-url: cannot start: "
                               "needs 64 MiB of memory (ulimit -v 65536)\n");
        _exit(1);
    }
}

__attribute__((constructor)) static void before_main(void) {
    need_memory();
    keep_closed(STDIN_FILENO, 1);
    keep_closed(STDOUT_FILENO, 0);
    keep_closed(STDERR_FILENO, 0);
    PyImport_AppendInittab("msgspec._core", PyInit__core);
}

/* The program has only the C locale, and Nuitka aborts if the one in LANG or LC_* is missing. */
char *__wrap_setlocale(int category, const char *locale) {
    if (locale == NULL) {
        return __real_setlocale(category, NULL);
    }
    return *locale == '\0' || strcmp(locale, "C") == 0 ? __real_setlocale(category, "C") : NULL;
}

locale_t __wrap_newlocale(int categories, const char *locale, locale_t base) {
    return __real_newlocale(categories, *locale == '\0' ? "C" : locale, base);
}

/* The program works in UTC, like the URLs. The C library would read a time zone from /etc even for
 * UTC. Years begin in March here, so that a leap day is the last day of its year. */
struct tm *__wrap_gmtime_r(const time_t *moment, struct tm *parts) {
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    long long days = *moment / 86400, second = *moment % 86400;
    if (second < 0) {
        days--, second += 86400;
    }
    long long since_march_0 = days + 719468; /* from 0000-03-01 to 1970-01-01 */
    /* an era has 400 years */
    long long era = (since_march_0 >= 0 ? since_march_0 : since_march_0 - 146096) / 146097;
    int day_of_era = (int)(since_march_0 - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153; /* 0 is March */
    long long year = year_of_era + era * 400 + (month >= 10);
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    memset(parts, 0, sizeof *parts);
    parts->tm_year = (int)(year - 1900);
    parts->tm_mon = month < 10 ? month + 2 : month - 10;
    parts->tm_mday = day_of_year - (153 * month + 2) / 5 + 1;
    parts->tm_yday = before_month[parts->tm_mon] + parts->tm_mday - 1 + (leap && parts->tm_mon > 1);
    parts->tm_wday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    parts->tm_hour = (int)(second / 3600);
    parts->tm_min = (int)(second / 60 % 60);
    parts->tm_sec = (int)(second % 60);
    parts->tm_zone = "UTC";
    return parts;
}

struct tm *__wrap_localtime_r(const time_t *moment, struct tm *parts) {
    return __wrap_gmtime_r(moment, parts);
}

/* Nuitka looks up the program's path, and aborts without one, for example if /proc is not mounted.
 * Any path will do, because the program needs no other files. (Tracebacks show its name.) */
ssize_t __wrap_readlink(const char *path, char *buffer, size_t size) {
    if (strcmp(path, "/proc/self/exe") != 0) {
        return __real_readlink(path, buffer, size);
    }
    size_t length = sizeof PROGRAM - 1 < size ? sizeof PROGRAM - 1 : size;
    memcpy(buffer, PROGRAM, length);
    return (ssize_t)length;
}

ssize_t __wrap___readlink_chk(const char *path, char *buffer, size_t size, size_t room) {
    return __wrap_readlink(path, buffer, size < room ? size : room);
}

char *__wrap_realpath(const char *path, char *resolved) {
    return resolved ? strcpy(resolved, path) : strdup(path);
}

char *__wrap___realpath_chk(const char *path, char *resolved, size_t room) {
    return __wrap_realpath(path, resolved);
}

/* Keeps Python from reading PYTHONMALLOC and similar variables. */
PyStatus __wrap_Py_PreInitialize(const PyPreConfig *theirs) {
    PyPreConfig config = *theirs;
    config.isolated = 1;
    config.use_environment = 0;
    PyStatus status = __real_Py_PreInitialize(&config);
    PyObjectArenaAllocator arenas = {NULL, arena_alloc, arena_free};
    PyObject_SetArenaAllocator(&arenas);
    return status;
}

/* Keeps Python from reading all other PYTHON* variables. */
PyStatus __wrap_Py_InitializeFromConfig(const PyConfig *theirs) {
    PyConfig *config = (PyConfig *)theirs;
    config->isolated = 1;
    config->use_environment = 0;
    PyStatus status = __real_Py_InitializeFromConfig(config);
    if (PyStatus_Exception(status)) { /* too little memory, or no random numbers */
        dprintf(STDERR_FILENO, "s3-presigned-url: cannot start: %s\n", status.err_msg);
        _exit(1);
    }
    /* see early_encodings.py */
    PyObject *none = PyObject_CallMethod(PyImport_AddModule("encodings"), "started", NULL);
    if (none == NULL) {
        return PyStatus_Error("encodings");
    }
    Py_DECREF(none);
    PyGC_Disable(); /* imports would trigger collections that find nothing */
    return status;
}

/* Would run getpath.py, which looks for an installation of Python. */
PyStatus __wrap__PyConfig_InitPathConfig(PyConfig *config, int compute) { return PyStatus_Ok(); }

/* Would import inspect, to make it support compiled coroutines. The program has none. */
void __wrap_patchInspectModule(PyThreadState *thread) {}

/* Would change PATH and PYTHONHOME for Python's start, which ignores both here, and import os to
 * restore them. They must not change: PATH finds credential programs, which may use Python. */
void __wrap_setEnvironmentVariable(const char *name, const char *value) {}

void __wrap_undoEnvironmentVariable(PyThreadState *thread, const char *name, const char *value) {}

/* Would install the importers for the file system, which find nothing here. Only bytecode modules
 * need functions of theirs, so they are installed below, before the first one. */
PyStatus __wrap__PyImport_InitExternal(PyThreadState *thread) { return PyStatus_Ok(); }

PyObject *__wrap_PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code, PyObject *path,
                                               PyObject *cached) {
    static int installed = 0;
    if (!installed) {
        PyObject *importlib = PyImport_ImportModule("_frozen_importlib");
        PyObject *none =
            importlib ? PyObject_CallMethod(importlib, "_install_external_importers", NULL) : NULL;
        Py_XDECREF(importlib);
        if (none == NULL) {
            return NULL;
        }
        Py_DECREF(none);
        installed = 1;
    }
    return __real_PyImport_ExecCodeModuleObject(name, code, path, cached);
}

/* Nuitka runs one line of Python to get its code object. It needs no more of a module than this. */
PyObject *__wrap_PyImport_ExecCodeModule(const char *name, PyObject *code) {
    PyObject *module = PyImport_AddModule(name);
    PyObject *result =
        module ? PyEval_EvalCode(code, PyModule_GetDict(module), PyModule_GetDict(module)) : NULL;
    if (result == NULL) {
        return NULL;
    }
    Py_DECREF(result);
    return Py_NewRef(module);
}

/* Returns the C part of modules of which a start needs no more. The Python part of importlib
 * imports warnings and the file system's importers, and that of io creates abstract classes. */
static const char *inner(const char *name) {
    if (strcmp(name, "importlib._bootstrap") == 0) {
        return "_frozen_importlib";
    }
    return strcmp(name, "io") == 0 ? "_io" : name;
}

PyObject *__wrap_PyImport_ImportModule(const char *name) {
    return __real_PyImport_ImportModule(inner(name));
}

PyObject *__wrap__PyImport_GetModuleAttrString(const char *name, const char *attribute) {
    return __real__PyImport_GetModuleAttrString(inner(name), attribute);
}

/* Would compute a __file__ for every module that was imported before Nuitka took over. */
void __wrap_setEarlyFrozenModulesFileAttribute(PyThreadState *thread) {}
