/* The seams between Nuitka's main program, CPython and the machine.
 *
 * The linker's --wrap sends the calls named __wrap_X below here instead of to X (see LINK_FLAGS in binary.py).
 * What they have in common: the program is one file that depends on nothing around it, so it asks for nothing,
 * neither where it lies, nor where Python is installed, nor what the environment wants of Python. */

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
extern PyObject *__real_PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code, PyObject *path, PyObject *cached);
extern PyObject *__real_PyImport_ImportModule(const char *name);
extern PyObject *__real__PyImport_GetModuleAttrString(const char *name, const char *attribute);
extern PyStatus __real_Py_PreInitialize(const PyPreConfig *config);
extern PyStatus __real_Py_InitializeFromConfig(const PyConfig *config);

/* A page that is touched for the first time costs a fault, and a start touches every page of its first arena, though
 * hardly any of the second: asking for the pages of the first all at once is cheaper. */
static void *arena_alloc(void *unused, size_t size) {
    static int populate = MAP_POPULATE;
    void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
    populate = 0;
    return arena == MAP_FAILED ? NULL : arena;
}

static void arena_free(void *unused, void *arena, size_t size) { munmap(arena, size); }

/* Nuitka puts /dev/null where a standard stream is closed, so that what should fail seems to work. The wrong end of
 * a pipe keeps the place, and says "Bad file descriptor" to whoever reads or writes there. */
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

/* With less than half of it the interpreter's start fails where it cannot tell, or goes on for ever, and with little more
   that of boto3. */
static void need_memory(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < 64 << 20) {
        dprintf(STDERR_FILENO, "s3-presigned-url: cannot start: needs 64 MiB of memory (ulimit -v 65536)\n");
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

/* No locale but C is in the program, and Nuitka aborts where the one that LANG or LC_* names cannot be had. */
char *__wrap_setlocale(int category, const char *locale) {
    if (locale == NULL) {
        return __real_setlocale(category, NULL);
    }
    return *locale == '\0' || strcmp(locale, "C") == 0 ? __real_setlocale(category, "C") : NULL;
}

locale_t __wrap_newlocale(int categories, const char *locale, locale_t base) {
    return __real_newlocale(categories, *locale == '\0' ? "C" : locale, base);
}

/* The program's clock is UTC, as the URLs are. The C library looks for a time zone in /etc even to tell that.
 * The days are counted in years that begin in March, so that a leap day is the last of its year. */
struct tm *__wrap_gmtime_r(const time_t *moment, struct tm *parts) {
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    long long days = *moment / 86400, second = *moment % 86400;
    if (second < 0) {
        days--, second += 86400;
    }
    long long since_march_0 = days + 719468; /* from 0000-03-01 to 1970-01-01 */
    long long era = (since_march_0 >= 0 ? since_march_0 : since_march_0 - 146096) / 146097; /* of 400 years */
    int day_of_era = (int)(since_march_0 - era * 146097);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
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

struct tm *__wrap_localtime_r(const time_t *moment, struct tm *parts) { return __wrap_gmtime_r(moment, parts); }

/* Nuitka asks where the program is, and aborts if it cannot be told, as where /proc is not mounted. It may be anywhere:
 * nothing is looked for beside it. (The name is all that a traceback shows of it.) */
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

char *__wrap_realpath(const char *path, char *resolved) { return resolved ? strcpy(resolved, path) : strdup(path); }

char *__wrap___realpath_chk(const char *path, char *resolved, size_t room) { return __wrap_realpath(path, resolved); }

/* PYTHONMALLOC and the like are read here ... */
PyStatus __wrap_Py_PreInitialize(const PyPreConfig *theirs) {
    PyPreConfig config = *theirs;
    config.isolated = 1;
    config.use_environment = 0;
    PyStatus status = __real_Py_PreInitialize(&config);
    PyObjectArenaAllocator arenas = {NULL, arena_alloc, arena_free};
    PyObject_SetArenaAllocator(&arenas);
    return status;
}

/* ... and the other PYTHON* variables here. */
PyStatus __wrap_Py_InitializeFromConfig(const PyConfig *theirs) {
    PyConfig *config = (PyConfig *)theirs;
    config->isolated = 1;
    config->use_environment = 0;
    PyStatus status = __real_Py_InitializeFromConfig(config);
    if (PyStatus_Exception(status)) { /* where there is hardly any memory, or nothing random */
        dprintf(STDERR_FILENO, "s3-presigned-url: cannot start: %s\n", status.err_msg);
        _exit(1);
    }
    PyObject *none = PyObject_CallMethod(PyImport_AddModule("encodings"), "started", NULL); /* early_encodings.py */
    if (none == NULL) {
        return PyStatus_Error("encodings");
    }
    Py_DECREF(none);
    PyGC_Disable(); /* the imports would set off collections that find nothing */
    return status;
}

/* getpath.py works out where Python is installed. */
PyStatus __wrap__PyConfig_InitPathConfig(PyConfig *config, int compute) { return PyStatus_Ok(); }

/* Imports inspect to make it understand compiled coroutines, of which there are none. */
void __wrap_patchInspectModule(PyThreadState *thread) {}

/* Changes PATH and PYTHONHOME for Python's start, which heeds neither here, and imports os to put them back. They stay as
 * they are: a program that is asked for credentials is found along PATH, and may be one in Python. */
void __wrap_setEnvironmentVariable(const char *name, const char *value) {}

void __wrap_undoEnvironmentVariable(PyThreadState *thread, const char *name, const char *value) {}

/* The importers that look for modules in the file system find none, but a module that stays bytecode is run by functions
 * of theirs. Installed only then, they cost the other runs nothing. */
PyStatus __wrap__PyImport_InitExternal(PyThreadState *thread) { return PyStatus_Ok(); }

PyObject *__wrap_PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code, PyObject *path, PyObject *cached) {
    static int installed = 0;
    if (!installed) {
        PyObject *importlib = PyImport_ImportModule("_frozen_importlib");
        PyObject *none = importlib ? PyObject_CallMethod(importlib, "_install_external_importers", NULL) : NULL;
        Py_XDECREF(importlib);
        if (none == NULL) {
            return NULL;
        }
        Py_DECREF(none);
        installed = 1;
    }
    return __real_PyImport_ExecCodeModuleObject(name, code, path, cached);
}

/* Nuitka runs a line of Python for its code object, and needs no more of a module than this. */
PyObject *__wrap_PyImport_ExecCodeModule(const char *name, PyObject *code) {
    PyObject *module = PyImport_AddModule(name);
    PyObject *result = module ? PyEval_EvalCode(code, PyModule_GetDict(module), PyModule_GetDict(module)) : NULL;
    if (result == NULL) {
        return NULL;
    }
    Py_DECREF(result);
    return Py_NewRef(module);
}

/* Modules of which a start needs only the part that is C: importlib's __init__ imports warnings and the importers for
 * the file system, and io makes abstract classes. */
static const char *inner(const char *name) {
    if (strcmp(name, "importlib._bootstrap") == 0) {
        return "_frozen_importlib";
    }
    return strcmp(name, "io") == 0 ? "_io" : name;
}

PyObject *__wrap_PyImport_ImportModule(const char *name) { return __real_PyImport_ImportModule(inner(name)); }

PyObject *__wrap__PyImport_GetModuleAttrString(const char *name, const char *attribute) {
    return __real__PyImport_GetModuleAttrString(inner(name), attribute);
}

/* Nuitka gives the modules that were there before it a __file__, and works one out for each. */
void __wrap_setEarlyFrozenModulesFileAttribute(PyThreadState *thread) {}
