package template

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/cleanup"
	"gantry/internal/sys"
	"gantry/pkg/storage"
)

// Options that a recipe may have for its cache.
const (
	flushOption = "flush-cache" // makes the cached tree anew
	cleanOption = "clean"       // deletes all cached trees when the container is made
)

// cached gives the recipe's prepared tree, made now if it is not there. It
// stays as it is until release is called: the tree is built beside its place
// and moved there, under a lock, so that creations at the same time build it
// once and one that dies leaves nothing half done.
func (j *job) cached(ctx context.Context) (dir string, release func(), err error) {
	var undo cleanup.Stack
	defer undo.Run()
	base := filepath.Join(j.Cache, j.recipe.Name())
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", nil, err
	}
	// What lies there gets no updates, set-user-ID programs included.
	if err := os.Chmod(base, 0o700); err != nil {
		return "", nil, err
	}
	key := j.key()
	dir = filepath.Join(base, key)
	lock, err := os.OpenFile(filepath.Join(base, "."+key+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, err
	}
	undo.Add(func() { lock.Close() })
	began := time.Now()
	if err := j.lock(ctx, lock, unix.F_RDLCK); err != nil {
		return "", nil, err
	}
	if j.stale(dir, began) {
		if err := j.lock(ctx, lock, unix.F_WRLCK); err != nil {
			return "", nil, err
		}
		if j.stale(dir, began) { // nobody was faster
			if err := j.build(ctx, dir, filepath.Join(base, "."+key)); err != nil {
				return "", nil, err
			}
		}
		if err := j.lock(ctx, lock, unix.F_RDLCK); err != nil {
			return "", nil, err
		}
	}
	undo.Release()
	return dir, func() { lock.Close() }, nil
}

// stale says whether the tree must be built: it is not there, or the user
// wants it new and it is older than his wish.
func (j *job) stale(dir string, began time.Time) bool {
	info, err := os.Stat(dir)
	return err != nil || j.values[flushOption] != "" && info.ModTime().Before(began)
}

// build makes the tree beside its place, hidden, then puts it into the place of
// dir. An old tree is moved away before it is deleted: what is in the place is
// whole, whenever this process may die.
func (j *job) build(ctx context.Context, dir, hidden string) error {
	temporary, old := hidden+".new", hidden+".old"
	if err := sweep(hidden); err != nil {
		return err
	}
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { storage.RemoveTree(temporary) })
	if err := j.bootstrap(ctx, temporary); err != nil {
		return err
	}
	t, err := openTree(temporary, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := j.apply(ctx, t, "prepare", j.recipe.Prepare); err != nil {
		return err
	}
	now := time.Now()
	if err := errors.Join(os.Chmod(temporary, 0o755), os.Chtimes(temporary, now, now)); err != nil {
		return err
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temporary, dir); err != nil {
		return err
	}
	undo.Release()
	return storage.RemoveTree(old)
}

// clean deletes all trees of the recipe, each when nobody copies it any more. The
// locks stay: somebody may be waiting for one.
func (j *job) clean(ctx context.Context) error {
	base := filepath.Join(j.Cache, j.recipe.Name())
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		hidden, isLock := strings.CutSuffix(entry.Name(), ".lock")
		key, isHidden := strings.CutPrefix(hidden, ".")
		if !isLock || !isHidden {
			continue
		}
		if err := j.discard(ctx, base, key); err != nil {
			return err
		}
	}
	return nil
}

// discard deletes one tree, which leaves its place at once, as in build.
func (j *job) discard(ctx context.Context, base, key string) error {
	hidden := filepath.Join(base, "."+key)
	lock, err := os.OpenFile(hidden+".lock", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := j.lock(ctx, lock, unix.F_WRLCK); err != nil {
		return err
	}
	if err := sweep(hidden); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(base, key), hidden+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return sweep(hidden)
}

// sweep deletes what is hidden beside a tree: one half built or half deleted.
func sweep(hidden string) error {
	return errors.Join(storage.RemoveTree(hidden+".new"), storage.RemoveTree(hidden+".old"))
}

// lock takes the lock, or waits for it until ctx is done. The one lock of the
// file turns into the other.
func (j *job) lock(ctx context.Context, f *os.File, kind int16) error {
	for told := false; ; told = true {
		if ok, err := sys.TryLock(f, kind); ok || err != nil {
			return err
		}
		if !told {
			// Two that both wait to write must not hold each other up.
			sys.TryLock(f, unix.F_UNLCK)
			j.report.say("waiting for another creation that uses the cache")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var plain = regexp.MustCompile(`^[A-Za-z0-9.+-]{1,24}$`)

// key names the tree: the options it depends on as far as they are readable,
// and a digest of all that makes it what it is.
func (j *job) key() string {
	name, depends := "rootfs", map[string]string{}
	for _, o := range j.recipe.Options {
		if !o.Cache {
			continue
		}
		value := j.values[o.Name]
		depends[o.Name] = value
		if plain.MatchString(value) {
			name += "-" + value
		}
	}
	// Marshal cannot fail: there are strings in it and nothing else.
	b, _ := json.Marshal([]any{j.recipe.Bootstrap, j.recipe.Prepare, depends})
	sum := sha256.Sum256(b)
	return name + "-" + hex.EncodeToString(sum[:4])
}
