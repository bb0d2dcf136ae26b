// The processor quota of this process's control groups, version 1 or 2, as containers set it.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "core/pool.h"

namespace striate {
namespace {

// The smaller of two limits, where 0 means none.
double tighter(double a, double b) {
  if (a <= 0) return b;
  if (b <= 0) return a;
  return std::min(a, b);
}

// Version 2: "max 100000" or "150000 100000".
double read_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  try {
    return std::stod(quota) / period;
  } catch (const std::exception&) {
    return 0;
  }
}

double read_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return 0;
  return quota / period;
}

// A limit on any ancestor binds too. `path` is the group's path below the mount point; inside a
// container it may name folders of the host that are not mounted here, which are then just absent.
double tightest(const std::string& mount, std::string path, double (*read)(const std::string&)) {
  double limit = read(mount);
  while (!path.empty() && path != "/") {
    limit = tighter(limit, read(mount + path));
    path.erase(path.find_last_of('/'));
  }
  return limit;
}

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');)
    if (item == word) return true;
  return false;
}

// A mount's root is its place in the hierarchy: group paths below it are relative to it.
std::string below_root(const std::string& path, const std::string& root) {
  if (root == "/" || root.empty()) return path;
  if (path.compare(0, root.size(), root) == 0) return path.substr(root.size());
  return path;
}

}  // namespace

double cgroup_cpu_quota(const char* proc) {
  const std::string self = std::string(proc) + "/self/";
  std::string path_v1, path_v2;
  bool has_v1 = false, has_v2 = false;
  std::ifstream groups(self + "cgroup");
  for (std::string line; std::getline(groups, line);) {  // hierarchy-id:controllers:path
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) {
      has_v2 = true;
      path_v2 = line.substr(second + 1);
    } else if (has_word(controllers, "cpu")) {
      has_v1 = true;
      path_v1 = line.substr(second + 1);
    }
  }
  double limit = 0;
  std::ifstream mounts(self + "mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // id parent major:minor root mount-point options [optional ...] - type source super-options
    std::istringstream fields(line);
    std::string id, parent, device, root, mount, word, type, source, options;
    fields >> id >> parent >> device >> root >> mount;
    while (fields >> word && word != "-") {
    }
    fields >> type >> source >> options;
    if (has_v2 && type == "cgroup2")
      limit = tighter(limit, tightest(mount, below_root(path_v2, root), read_v2));
    if (has_v1 && type == "cgroup" && has_word(options, "cpu"))
      limit = tighter(limit, tightest(mount, below_root(path_v1, root), read_v1));
  }
  return limit;
}

}  // namespace striate
