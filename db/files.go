package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceFile gives a small file another content, whole or not at all, readable
// by its owner alone. The new content is written beside the file under one
// fixed name, so that what a crash left there is overwritten, not collected.
func ReplaceFile(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
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
	return syncDir(filepath.Dir(dir))
}

// removeAll removes those of the files that are there.
func removeAll(files ...string) error {
	var errs []error
	for _, file := range files {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// syncDir makes the names in a directory durable. Syncing a file that was made
// or renamed makes its content durable, and not the name that leads to it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making names durable: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
