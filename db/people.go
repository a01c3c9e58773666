package db

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/desk"

	bolt "go.etcd.io/bbolt"
)

// People keeps the personal data of the support desk, in a file of its own:
// one bucket a kind, a value an id. It implements desk.People.
//
// What is deleted is gone: the file is written anew without it.
type People struct {
	path string
	mu   sync.RWMutex // held for writing while the file is exchanged
	bolt *bolt.DB
}

var _ desk.People = (*People)(nil)

// OpenPeople opens the file, or makes it, for its owner alone to read. A damaged
// one is moved aside and begun anew; moved, if it is not nil, is told.
func OpenPeople(path string, moved func(aside string, why error)) (*People, error) {
	p := &People{path: path}
	if err := os.Remove(p.spare()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	why := p.open()
	if !errors.Is(why, listing.ErrCorrupt) {
		return p, why
	}
	aside := path + ".damaged"
	if err := os.Rename(path, aside); err != nil {
		return nil, errors.Join(err, why)
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	if moved != nil {
		moved(aside, why)
	}
	return p, nil
}

// spare is where the file is written anew; one that is left over is of no use.
func (p *People) spare() string { return p.path + ".new" }

func (p *People) open() error {
	b, _, err := openBolt(p.path, Options{Timeout: time.Second, InitialMmap: 1 << 20}, false)
	if err == nil {
		err = guarded(func() error { return b.View(everyKey) })
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", p.path, outward(err))
	}
	p.bolt = b
	return nil
}

// everyKey looks at all that there is: the file is small, and damage is met when
// it is opened, not when somebody asks for something.
func everyKey(tx *bolt.Tx) error {
	return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(_, _ []byte) error { return nil })
	})
}

// Close closes the file.
func (p *People) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bolt.Close()
}

// Get is one value; listing.ErrNotFound if there is none.
func (p *People) Get(kind, id string) (value []byte, err error) {
	err = p.view(kind, func(b *bolt.Bucket) error {
		if v := b.Get([]byte(id)); v != nil {
			value = append([]byte(nil), v...)
		}
		return nil
	})
	if err == nil && value == nil {
		err = fmt.Errorf("%s %s: %w", kind, id, listing.ErrNotFound)
	}
	return value, err
}

// view reads a bucket, if it is there.
func (p *People) view(kind string, f func(*bolt.Bucket) error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return guarded(func() error {
		return p.bolt.View(func(tx *bolt.Tx) error {
			if b := tx.Bucket([]byte(kind)); b != nil {
				return f(b)
			}
			return nil
		})
	})
}

// Put keeps a value.
func (p *People) Put(kind, id string, value []byte) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return guarded(func() error {
		return p.bolt.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(kind))
			if err != nil {
				return err
			}
			return b.Put([]byte(id), value)
		})
	})
}

// Each yields all values of a kind in order of id, as they are when it begins.
func (p *People) Each(kind string) iter.Seq2[desk.Record, error] {
	return func(yield func(desk.Record, error) bool) {
		var all []desk.Record
		if err := p.view(kind, func(b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				all = append(all, desk.Record{ID: string(k), Value: append([]byte(nil), v...)})
				return nil
			})
		}); err != nil {
			yield(desk.Record{}, err)
			return
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Delete removes values for good.
func (p *People) Delete(kind string, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err := guarded(func() error {
		return p.bolt.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(kind))
			for _, id := range ids {
				if b == nil {
					break
				}
				if err := b.Delete([]byte(id)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return p.rewrite()
}

// rewrite makes the file anew: free pages of the old one still have the bytes of
// what was deleted.
func (p *People) rewrite() error {
	fresh, err := bolt.Open(p.spare(), 0o600, nil)
	if err != nil {
		return fmt.Errorf("writing %s anew: %w", p.path, err)
	}
	err = errors.Join(bolt.Compact(fresh, p.bolt, 1<<20), fresh.Close())
	if err == nil {
		err = os.Rename(p.spare(), p.path)
	}
	if err == nil {
		err = SyncDir(filepath.Dir(p.path))
	}
	if err != nil {
		return fmt.Errorf("writing %s anew: %w", p.path, errors.Join(err, os.Remove(p.spare())))
	}
	if err := p.bolt.Close(); err != nil {
		return fmt.Errorf("closing the old %s: %w", p.path, err)
	}
	return p.open()
}

// PeopleInMemory stands in where the file cannot be had: what it keeps is gone
// with the program.
type PeopleInMemory struct {
	mu  sync.Mutex
	all map[string]map[string][]byte // by kind and id
}

var _ desk.People = (*PeopleInMemory)(nil)

// Get is one value; listing.ErrNotFound if there is none.
func (p *PeopleInMemory) Get(kind, id string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.all[kind][id]; ok {
		return bytes.Clone(v), nil
	}
	return nil, fmt.Errorf("%s %s: %w", kind, id, listing.ErrNotFound)
}

// Put keeps a value.
func (p *PeopleInMemory) Put(kind, id string, value []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]map[string][]byte{}
	}
	if p.all[kind] == nil {
		p.all[kind] = map[string][]byte{}
	}
	p.all[kind][id] = bytes.Clone(value)
	return nil
}

// Delete removes values.
func (p *PeopleInMemory) Delete(kind string, ids ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		delete(p.all[kind], id)
	}
	return nil
}

// Each yields all values of a kind in order of id, as they are when it begins.
func (p *PeopleInMemory) Each(kind string) iter.Seq2[desk.Record, error] {
	return func(yield func(desk.Record, error) bool) {
		p.mu.Lock()
		all := maps.Clone(p.all[kind])
		p.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if !yield(desk.Record{ID: id, Value: all[id]}, nil) {
				return
			}
		}
	}
}

// Close has nothing to close.
func (p *PeopleInMemory) Close() error { return nil }
