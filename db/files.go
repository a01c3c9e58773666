package db

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dnsbld/files"
)

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
	if err := files.Remove(f.Name()); err != nil {
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
// Small files (files.Replace) have one name each for what is new, which the next use
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
