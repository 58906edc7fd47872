/* SPDX-License-Identifier: MIT */
/* How many CPUs the process may use at once. A container's quota is in its control group: cpu.max of version 2
 * (Documentation/admin-guide/cgroup-v2.rst of Linux), cpu.cfs_quota_us and cpu.cfs_period_us of version 1
 * (Documentation/scheduler/sched-bwc.rst), each also in the groups above. */
#include "pool.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = 1024, CPUS_MAX = 256 };

/* A file's first line into text; false: no such file. */
static bool read_line(const char *root, const char *folder, const char *name, char *text, int room) {
    char path[3 * PATH_ROOM];
    snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(text, room, file);
    if (file)
        fclose(file);
    return ok;
}

/* CPUs that a quota amounts to, rounded up; 0: no quota. */
static int64_t quota_cpus(long long quota, long long period) {
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

static int64_t folder_cpus(const char *root, const char *folder, bool v2) {
    char text[64], period_text[64];
    long long quota = 0, period = 0;
    if (v2)
        return read_line(root, folder, "cpu.max", text, sizeof text) && sscanf(text, "%lld %lld", &quota, &period) == 2
                   ? quota_cpus(quota, period)
                   : 0;
    if (!read_line(root, folder, "cpu.cfs_quota_us", text, sizeof text) ||
        !read_line(root, folder, "cpu.cfs_period_us", period_text, sizeof period_text) ||
        sscanf(text, "%lld", &quota) != 1 || sscanf(period_text, "%lld", &period) != 1)
        return 0;
    return quota_cpus(quota, period);
}

/* The least of the quotas of a group and of those above it, which are folders of a mounted hierarchy. In a container the
 * group's own folder may not be there, but the root then is the container's. */
static int64_t group_cpus(const char *root, const char *mount, const char *group, bool v2) {
    char folder[2 * PATH_ROOM];
    int64_t fewest = CPUS_MAX;
    snprintf(folder, sizeof folder, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
    for (char *end = folder + strlen(folder); end; end = strrchr(folder, '/')) {
        *end = '\0';
        if (strlen(folder) < strlen(mount))
            break;
        int64_t cpus = folder_cpus(root, folder, v2);
        fewest = cpus > 0 ? least(cpus, fewest) : fewest;
    }
    return fewest;
}

/* Is "cpu" one of the controllers between commas? */
static bool has_cpu(const char *controllers) {
    for (const char *c = controllers; c; c = strchr(c, ',')) {
        c += *c == ',';
        if (strncmp(c, "cpu", 3) == 0 && (c[3] == ',' || c[3] == '\0'))
            return true;
    }
    return false;
}

/* Lines of /proc/self/cgroup: "number:controllers:group"; version 2 has no controllers there. */
static int64_t quota(const char *root) {
    char path[PATH_ROOM], line[PATH_ROOM];
    int64_t fewest = CPUS_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *controllers++ = *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        int64_t cpus = *controllers == '\0'   ? group_cpus(root, "/sys/fs/cgroup", group, true)
                       : has_cpu(controllers) ? group_cpus(root, "/sys/fs/cgroup/cpu", group, false)
                                              : CPUS_MAX;
        fewest = least(cpus, fewest);
    }
    if (file)
        fclose(file);
    return fewest;
}

int cpus_usable(const char *root) {
    cpu_set_t set;
    int64_t mask = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int64_t most = least(mask, quota(root));
    return most < 1 ? 1 : (int)most;
}
