package guest

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed files
var files embed.FS

// An image is a disk with a Debian on it, its kernel and an initrd.
type image struct {
	dir string
}

func (i image) disk() string { return filepath.Join(i.dir, "disk.img") }

// prepare finds the image of a release, or makes it. Its directory is named
// after what it is made from; those made from something else go.
func prepare(cache, release string, log func(string)) (image, error) {
	key, err := recipe()
	if err != nil {
		return image{}, err
	}
	im := image{filepath.Join(cache, release+"-"+key)}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return image{}, err
	}
	return im, im.locked(func() error {
		if _, err := os.Stat(im.disk()); err == nil {
			return im.sweep()
		}
		others, _ := filepath.Glob(filepath.Join(cache, release+"-*"))
		for _, other := range others {
			if other != im.dir+".lock" {
				os.RemoveAll(other)
			}
		}
		log("making the disk of " + release)
		return im.build(release)
	})
}

// sweep removes what killed runs have left: their directories are of no use to
// anybody once their QEMU, which dies with them, is gone.
func (i image) sweep() error {
	runs, err := filepath.Glob(filepath.Join(i.dir, "run-*"))
	for _, run := range runs {
		pid, _ := os.ReadFile(filepath.Join(run, "pid"))
		if _, err := os.Stat("/proc/" + string(pid)); len(pid) > 0 && os.IsNotExist(err) {
			os.RemoveAll(run)
		}
	}
	return err
}

// recipe is a hash of all that an image is made from.
func recipe() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:12], err
}

func (i image) build(release string) error {
	work := i.dir + ".new"
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	scripts, err := os.MkdirTemp("", "guest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scripts)
	if err := os.CopyFS(scripts, files); err != nil {
		return err
	}
	cmd := exec.Command("bash", filepath.Join(scripts, "files/image.sh"), release, work)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the disk of %s: %w\n%s", release, err, out)
	}
	return os.Rename(work, i.dir)
}
