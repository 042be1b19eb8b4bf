package live

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/weirstream/weir/engine/fs"
)

// dirFS is a directory of the operating system.
type dirFS struct {
	root   string
	mounts map[string]string
}

// OpenFS returns the file system below the directory root, which must exist.
// Relative names are below it, and an error if ".." leads out of it; absolute
// names are taken as they are. A mount stands for one file: its key is a relative
// name, its value the absolute path meant by it. Listing a directory does not
// show mounts. Symbolic links are followed, wherever they lead.
//
// Errors name the real path, and satisfy errors.Is for the errors of package fs.
func OpenFS(root string, mounts map[string]string) (fs.FS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, wrap(err)
	}
	if !info.IsDir() {
		return nil, notDir("open", abs)
	}
	d := &dirFS{root: abs, mounts: maps.Clone(mounts)}
	for name, target := range mounts {
		if name != path.Clean(name) || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("mount %q: not a plain relative name", name)
		}
		if !filepath.IsAbs(target) {
			return nil, fmt.Errorf("mount %q: %q is not an absolute path", name, target)
		}
	}
	return d, nil
}

// path is the real path of a name.
func (d *dirFS) path(op, name string) (string, error) {
	if path.IsAbs(name) || filepath.IsAbs(name) {
		return filepath.Clean(filepath.FromSlash(name)), nil
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &os.PathError{Op: op, Path: filepath.Join(d.root, filepath.FromSlash(name)), Err: errors.New("leads out of " + d.root)}
	}
	if target, ok := d.mounts[clean]; ok {
		return target, nil
	}
	return filepath.Join(d.root, filepath.FromSlash(clean)), nil
}

// at makes a call with the real path of a name.
func (d *dirFS) at(op, name string, call func(path string) error) error {
	p, err := d.path(op, name)
	if err != nil {
		return err
	}
	return wrap(call(p))
}

func (d *dirFS) open(op, name string, flags int) (file fs.File, err error) {
	err = d.at(op, name, func(p string) error {
		f, err := os.OpenFile(p, flags, 0o666)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = &os.PathError{Op: op, Path: p, Err: syscall.EISDIR}
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
		file = osFile{f}
		return nil
	})
	return file, err
}

func (d *dirFS) Open(name string) (fs.File, error) { return d.open("open", name, os.O_RDONLY) }

func (d *dirFS) Create(name string) (fs.File, error) {
	return d.open("create", name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d *dirFS) CreateNew(name string) (fs.File, error) {
	return d.open("create", name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (d *dirFS) Append(name string) (fs.File, error) {
	return d.open("append", name, os.O_RDWR|os.O_APPEND)
}

func (d *dirFS) Rename(old, new string) error {
	return d.at("rename", old, func(from string) error {
		return d.at("rename", new, func(to string) error { return os.Rename(from, to) })
	})
}

func (d *dirFS) Remove(name string) error { return d.at("remove", name, os.Remove) }

func (d *dirFS) MkdirAll(name string) error {
	return d.at("mkdir", name, func(p string) error { return os.MkdirAll(p, 0o777) })
}

func (d *dirFS) List(dir string) (infos []fs.Info, err error) {
	err = d.at("list", dir, func(p string) error {
		entries, err := os.ReadDir(p) // sorted
		for _, e := range entries {
			info, statErr := os.Stat(filepath.Join(p, e.Name()))
			switch {
			case statErr == nil:
				infos = append(infos, describe(e.Name(), info))
			case !errors.Is(statErr, fs.ErrNotExist): // else removed since, or a link to nowhere
				return statErr
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return infos, nil
}

func (d *dirFS) Stat(name string) (info fs.Info, err error) {
	err = d.at("stat", name, func(p string) error {
		i, err := os.Stat(p)
		if err == nil {
			info = describe(path.Base(path.Clean(name)), i)
		}
		return err
	})
	return info, err
}

func (d *dirFS) SyncDir(dir string) error {
	return d.at("sync", dir, func(p string) error {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil && !info.IsDir() {
			err = notDir("sync", p)
		}
		if err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	})
}

func describe(name string, info os.FileInfo) fs.Info {
	if info.IsDir() {
		return fs.Info{Name: name, Dir: true}
	}
	return fs.Info{Name: name, Size: info.Size()}
}

func notDir(op, path string) error {
	return &os.PathError{Op: op, Path: path, Err: syscall.ENOTDIR}
}

// noSpace is an error of the system about a full disk or an exhausted quota.
type noSpace struct{ error }

func (e noSpace) Is(target error) bool { return target == fs.ErrNoSpace }
func (e noSpace) Unwrap() error        { return e.error }

func wrap(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return noSpace{err}
	}
	return err
}

type osFile struct{ f *os.File }

func (f osFile) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

func (f osFile) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	return n, wrap(err)
}

func (f osFile) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, wrap(err)
	}
	return info.Size(), nil
}

func (f osFile) Sync() error  { return wrap(f.f.Sync()) }
func (f osFile) Close() error { return wrap(f.f.Close()) }
