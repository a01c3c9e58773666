package db

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// OpenReadOnly opens a list, or a backup of one, from which answers are given and in
// which nothing can be changed: what would fails with listing.ErrUnavailable. The
// file is never written to, and may be on a disk that cannot be. One of an older
// version of the layout is copied, and the copy brought to the present one.
func OpenReadOnly(path string) (*DB, error) {
	d, err := openReadOnly(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return d, nil
}

func openReadOnly(path string) (*DB, error) {
	fresh, err := inspect(path, Options{})
	if err == nil && fresh {
		err = foreign("it is empty, or not there")
	}
	if err != nil {
		return nil, err
	}
	b, file, err := openBolt(path, Options{}, true)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(b)
	if err == nil && version < readable {
		err = b.Close()
		if err == nil {
			b, file, err = openCopy(path)
		}
	}
	if err != nil {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
		return nil, err
	}
	d := &DB{path: path, readOnly: true, bolt: b, file: file, upkeep: make(chan struct{}, 1),
		queue: newQueue(), news: newNews(), done: make(chan struct{})}
	close(d.done) // nobody writes
	return d, nil
}

// openCopy opens an upgraded copy that has no name, and is gone when it is closed.
func openCopy(path string) (b *bolt.DB, file *os.File, err error) {
	from, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer from.Close()
	to, err := nameless(filepath.Join(os.TempDir(), "dnsbld"), copyKind)
	if err != nil {
		return nil, nil, err
	}
	if _, err = io.Copy(to, from); err != nil {
		return nil, nil, errors.Join(err, to.Close())
	}
	if b, file, err = openBolt(path, Options{NoSync: true, InitialMmap: 1, file: to}, false); err == nil {
		err = guarded(func() error { return upgradeFile(b) })
	}
	return b, file, err
}

// changeable refuses what would change a list that is open for reading alone.
func (d *DB) changeable() error {
	if !d.readOnly {
		return nil
	}
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "read-only",
		Message: "nothing can be changed: dnsbld serves " + d.path + " read-only",
		Hint:    "repair the list (`blctl rebuild`, `blctl restore`) or its disk, then start dnsbld without --read-only and repeat the command"}
}
