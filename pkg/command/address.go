package command

// maxName is how long an abstract name gets before it is hashed: sun_path of
// unix(7) less the NUL in front and LXC's NUL behind.
const maxName = 106

// Address gives the name of a container's command socket in the abstract
// namespace, without its leading NUL: LXCPATH/NAME/command, or a hash of
// LXCPATH/NAME when that is too long.
func Address(lxcpath, name string) string {
	dir := lxcpath + "/" + name
	if plain := dir + "/command"; len(plain) < maxName {
		return plain
	}
	return "lxc/" + hex16(fnv1a(dir)) + "/command"
}

// fnv1a is the 64-bit FNV-1a hash.
func fnv1a(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}

func hex16(h uint64) string {
	var b [16]byte
	for i := range b {
		b[i] = "0123456789abcdef"[h>>(60-4*i)&0xf]
	}
	return string(b[:])
}
