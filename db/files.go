package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Kinds of files that have no name but for a moment: what follows the name of the list
// then, before a number.
const (
	importKind = ".import-"
	replayKind = ".replay-"
	answerKind = ".answer-"
	copyKind   = ".copy-"
)

// nameless makes a file beside a path that is gone when it is closed, or its process
// ends.
func nameless(path, kind string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+kind+"*")
	if err != nil {
		return nil, err
	}
	if err := removeAll(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Nameless makes a file for a long answer, beside the list. It has no name, so
// nothing stays behind of a daemon that is killed.
func (d *DB) Nameless() (*os.File, error) {
	path := d.path
	if d.readOnly { // as its directory may be
		path = filepath.Join(os.TempDir(), "dnsbld")
	}
	return nameless(path, answerKind)
}

// removeLeftovers removes what a process that was killed has left beside a list: what
// was to take its place, and what should have lost its name. Only a process that has
// the list makes any of it, so for the next one that has it, it is of no use. What
// cannot be removed keeps nobody from the list.
//
// Small files (ReplaceFile) have one name each for what is new, which the next use
// takes over.
func removeLeftovers(path string) {
	names, _ := os.ReadDir(filepath.Dir(path))
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n.Name(), filepath.Base(path)); ok && n.Type().IsRegular() && isLeftover(rest) {
			_ = os.Remove(filepath.Join(filepath.Dir(path), n.Name()))
		}
	}
}

// isLeftover judges what follows the name of a list.
func isLeftover(rest string) bool {
	kind := strings.TrimRight(rest, "0123456789")
	switch kind {
	case importKind, replayKind, answerKind, compactSuffix + replayKind:
		return kind != rest
	}
	return slices.Contains([]string{compactSuffix, compactSuffix + ".part", ".part"}, rest)
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
