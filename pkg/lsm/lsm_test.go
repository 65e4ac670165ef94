package lsm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

func TestNames(t *testing.T) {
	c := Container{Name: "c1", LXCPath: "/var/lib/lxc"}
	a := appArmor{securityfs: "/s", stack: true}
	for got, want := range map[string]string{
		profileName(c):                    "lxc-c1_</var/lib/lxc>",
		namespace(c):                      "lxc-c1_<-var-lib-lxc>",
		profileFile(c):                    "/var/lib/lxc/c1/apparmor/lxc-c1_<-var-lib-lxc>",
		a.generatedLabel(c):               "lxc-c1_</var/lib/lxc>//&:lxc-c1_<-var-lib-lxc>:",
		(appArmor{}).generatedLabel(c):    "lxc-c1_</var/lib/lxc>",
		a.namespaceDir(c):                 "/s/policy/namespaces/lxc-c1_<-var-lib-lxc>",
		shorten("foobar" + "\""):          "3452fea7168b5c3e",
		shorten(strings.Repeat("a", 246)): strings.Repeat("a", 246),
	} {
		if got != want {
			t.Errorf("name %q; want %q", got, want)
		}
	}
	if got := shorten(strings.Repeat("a", 247)); len(got) != 16 {
		t.Errorf("shorten(247 bytes) = %q; want 16 digits", got)
	}
}

func TestProfileText(t *testing.T) {
	c := Container{Name: "c1", LXCPath: "/p", CgroupNamespaces: true}
	for _, x := range []struct {
		a         appArmor
		c         Container
		want      plan.LSM
		has, lack string
	}{
		{appArmor{}, c, plan.LSM{}, "fstype=cgroup2;profile \"lxc-c1_</p>\" flags", "pivot_root;change_profile;kernel/s[^/e];lxc.apparmor.raw"},
		{appArmor{stack: true}, c, plan.LSM{}, `change_profile -> ":lxc-c1_<-p>:*",;kernel/s[^/e]`, "pivot_root"},
		{appArmor{}, Container{Name: "c1", LXCPath: "/p"}, plan.LSM{}, "", "fstype=cgroup"},
		{appArmor{}, c, plan.LSM{AllowNesting: true}, `change_profile -> "lxc-c1_</p>",;pivot_root,;deny /dev/.lxc/proc`, "id maps"},
		{appArmor{}, Container{Name: "c1", LXCPath: "/p", Unprivileged: true}, plan.LSM{}, "pivot_root,;mount options=(rw,rbind),", ".lxc/proc"},
		{appArmor{}, c, plan.LSM{Raw: []string{"deny /x w,", "deny /y w,"}}, "  # lxc.apparmor.raw\n  deny /x w,\n  deny /y w,\n}\n", ""},
	} {
		text := x.a.profile(x.c, x.want)
		for _, part := range strings.Split(x.has, ";") {
			if !strings.Contains(text, part) {
				t.Errorf("profile(%+v, %+v) lacks %q:\n%s", x.c, x.want, part, text)
			}
		}
		for _, part := range strings.Split(x.lack, ";") {
			if part != "" && strings.Contains(text, part) {
				t.Errorf("profile(%+v, %+v) has %q:\n%s", x.c, x.want, part, text)
			}
		}
		if strings.Count(text, "{") != strings.Count(text, "}") {
			t.Errorf("profile(%+v, %+v): braces do not match:\n%s", x.c, x.want, text)
		}
	}
}

func TestSELinux(t *testing.T) {
	const context = "system_u:system_r:lxc_t:s0:c1,c2"
	for _, c := range []struct {
		got, want Change
	}{
		{selinux{}.Enter(context), Change{"exec", context}},
		{selinux{}.Enter(""), Change{}},
		{selinux{}.Enter("unconfined_t"), Change{}},
		{selinux{}.Keyring(plan.LSM{}), Change{}},
		{selinux{}.Keyring(plan.LSM{SELinux: context}), Change{"keycreate", context}},
		{selinux{}.Keyring(plan.LSM{SELinux: context, SELinuxKeyring: "k"}), Change{"keycreate", "k"}},
	} {
		if c.got != c.want {
			t.Errorf("change %+v; want %+v", c.got, c.want)
		}
	}
}

// Where the kernel has AppArmor, the generated profile is loaded and tried;
// elsewhere the keys do nothing.
func TestPrepare(t *testing.T) {
	m := Detect()
	c := Container{Name: "t", LXCPath: t.TempDir(), CgroupNamespaces: true}
	want := plan.LSM{AppArmor: generated}
	change, err := m.Prepare(c, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := m.(appArmor)
	if !ok {
		if m.Name() == "none" && change != (Change{}) {
			t.Errorf("Prepare without a module = %+v; want nothing", change)
		}
		return
	}
	defer m.Remove(c, want, nil)
	if now, err := m.Label(0); err != nil || now != unconfined {
		t.Fatalf("Label(0) = %q, %v; want unconfined", now, err)
	}
	for _, c := range []struct{ label, want string }{{"", ""}, {unchanged, ""}, {unconfined, ""}, {"lxc-container-default", "changeprofile lxc-container-default"}} {
		if got := m.Enter(c.label).Text; got != c.want {
			t.Errorf("Enter(%q) writes %q; want %q", c.label, got, c.want)
		}
	}
	allowed := []string{
		"mount -t tmpfs none /mnt", "mkdir /mnt/a /mnt/b /mnt/c", "mount --bind /mnt/a /mnt/b", "mount -o remount,bind,ro /mnt/b",
		"mount -o remount,bind,ro,nosuid,nodev /mnt/b", "umount /mnt/b", "mount --rbind /mnt/a /mnt/b", "mount --make-rslave /",
		"echo x > /proc/sys/kernel/hostname", "echo 1 > /proc/sys/net/ipv4/ip_forward", "mkdir /sys/fs/cgroup/gantry-lsm", "rmdir /sys/fs/cgroup/gantry-lsm",
		"kill -0 $$", "cat /proc/sys/kernel/panic",
	}
	denied := []string{
		"cat /proc/sys/kernel/panic > /proc/sys/kernel/panic", "echo 0 > /proc/sys/vm/drop_caches", "echo h > /proc/sysrq-trigger", "cat /proc/kcore",
		"echo 128 > /sys/block/vda/queue/nr_requests", "ls /sys/kernel/debug/tracing", "mount -o remount,bind,rw /mnt/a", "echo 1 > /proc/sys/fs/protected_symlinks",
	}
	// Parsers before 3.0.10 take rules for bind mounts as ones for any mount (CVE-2016-1585).
	if version, _ := exec.Command("apparmor_parser", "--version").Output(); !strings.Contains(string(version), "version 3.0.8") {
		denied = append(denied, "mount --bind /proc /mnt/c", "mount --bind /sys/fs /mnt/c", "mount -t proc none /mnt/c", "mount -t sysfs none /mnt/c")
	}
	script := "printf '%s' '" + change.Text + "' > /proc/thread-self/attr/" + change.File + " || exit 9\n"
	for _, line := range allowed {
		script += "( " + line + " ) >/dev/null 2>/tmp/lsm-err || echo \"refused: " + line + ": $(cat /tmp/lsm-err)\"\n"
	}
	for _, line := range denied {
		script += "( " + line + " ) >/dev/null 2>&1 && echo 'let through: " + line + "'\n"
	}
	script += "cat /proc/self/attr/current\n"
	cmd := exec.Command("unshare", "-m", "-u", "-n", "sh", "-c", script)
	// A mount made by the newer system calls is no more than a move to AppArmor, and those are not let through.
	cmd.Env = append(os.Environ(), "LIBMOUNT_FORCE_MOUNT2=always")
	out, _ := cmd.CombinedOutput()
	if got := string(out); got != "unconfined\n" && got != profileName(c)+" (enforce)\n" {
		t.Errorf("under the profile: %v\n%s", cmd.ProcessState, got)
	}
	if err := m.Remove(c, want, nil); err != nil {
		t.Errorf("Remove = %v", err)
	}
	profiles, _ := os.ReadFile(filepath.Join(a.securityfs, "profiles"))
	if strings.Contains(string(profiles), profileName(c)) || exists(a.namespaceDir(c)) {
		t.Errorf("the profile or the namespace is there after Remove:\n%s", profiles)
	}
	if err := m.Remove(c, want, nil); err != nil {
		t.Errorf("second Remove = %v; want nil", err)
	}
}
