// Package files changes files so that a loss of power at any moment leaves the old
// content or the new one, and never a part. The list, the spool of a mail server and
// what blctl remembers all need it, in rooms that do not know each other; so it
// stands beside them, and imports nothing.
//
// Again is the other side: what a file says that others replace.
//
// The rule: write what is new under another name, sync the file, rename it, sync the
// directory. A file that is renamed before it is synced may be empty after a crash;
// a name is durable only when its directory was synced.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Replace gives a small file another content, whole or not at all, readable by its
// owner alone. The new content is written beside the file under one fixed name, path
// and ".new", so that what a crash left there is replaced, not collected. What stands
// under either name is taken away, never written into: in a directory of others it
// may be a link to somewhere else.
func Replace(path string, content []byte) error {
	temporary := path + ".new"
	if err := Remove(temporary); err != nil {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable. Syncing a file that was made
// or renamed makes its content durable, and not the name that leads to it.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making names durable: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// MakeDir makes a directory, and those above it, where they are missing. Their names
// are durable when it returns: what is synced in a directory is lost with its name.
func MakeDir(dir string) error {
	const mode = 0o750
	_, err := os.Stat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dir, mode) // says of a file that it is none
	}
	if err := MakeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(dir))
}

// Remove removes those of the files that are there.
func Remove(all ...string) error {
	var errs []error
	for _, file := range all {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
