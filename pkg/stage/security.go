package stage

import (
	"errors"
	"os"

	"gantry/pkg/capability"
	"gantry/pkg/lsm"
	"gantry/pkg/plan"
	"gantry/pkg/seccomp"
)

// security prepares the labels and filters of the init.
func (r *run) security() error {
	s := r.plan.Seccomp
	filter, err := seccomp.FilterOf(s.Profile, s.AllowNesting, r.Log)
	if err != nil {
		return at(s.Origin, err)
	}
	r.in.Filter = filter
	if err := r.findProxy(); err != nil {
		return at(s.ProxyOrigin, err)
	}

	module, want := lsm.Detect(), r.plan.LSM
	r.in.LabelOrigin = want.AppArmorOrigin
	if module.Name() == "selinux" {
		r.in.LabelOrigin = want.SELinuxOrigin
	}
	r.warnOfLabels(module.Name())
	r.in.Keyring = module.Keyring(want)
	r.in.Label, err = module.Prepare(r.labelled(), want, r.Log)
	return errors.Join(at(r.in.LabelOrigin, err), r.rights())
}

// warnOfLabels notes keys of a security module this kernel does not have: there
// is nobody to confine the container, which is no reason to stop, as in LXC.
func (r *run) warnOfLabels(module string) {
	want := r.plan.LSM
	for _, k := range []struct {
		module, label string
		origin        plan.Origin
	}{
		{"apparmor", want.AppArmor, want.AppArmorOrigin},
		{"selinux", want.SELinux, want.SELinuxOrigin},
	} {
		if k.module != module && k.origin.Given() && k.label != "" && k.label != "unconfined" && k.label != "unchanged" {
			r.Log.Warn(k.origin.String(), ": no effect: this kernel runs without ", k.module)
		}
	}
}

// rights finds out what the child will be able to do.
func (r *run) rights() error {
	if r.has("user") {
		r.in.Rights = capability.All(capability.Last())
		return nil
	}
	own, err := capability.StatusOf(0)
	r.in.Rights = own.Permitted
	return err
}

// labelled is the container as a security module sees it.
func (l *life) labelled() lsm.Container {
	_, err := os.Stat("/proc/self/ns/cgroup")
	return lsm.Container{
		Name: l.plan.Name, LXCPath: l.plan.LXCPath,
		Unprivileged: len(l.plan.IDMaps) > 0, CgroupNamespaces: err == nil,
	}
}

// unloads says whether the end of the container has to unload a policy.
func (l *life) unloads() bool { return lsm.Detect().Loads(l.plan.LSM) }

// unload unloads it. What ran under it would be free from then on: the
// container's last process must have ended.
func (l *life) unload() error { return lsm.Detect().Remove(l.labelled(), l.plan.LSM, l.Log) }
