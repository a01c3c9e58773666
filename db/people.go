package db

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"dnsbld/listing"
	"dnsbld/listing/desk"

	bolt "go.etcd.io/bbolt"
)

// People keeps the personal data of the support desk, in a file of its own:
// one bucket a kind, a value an id. It implements desk.People.
//
// A deleted record is gone: the file is rewritten without it.
type People struct{ helper }

var _ desk.People = (*People)(nil)

// OpenPeople opens the file, or makes it, for its owner alone to read. A damaged
// one is moved aside and begun again; moved, if it is not nil, is told.
func OpenPeople(path string, moved func(aside string, why error)) (*People, error) {
	p := &People{helper{path: path, options: Options{InitialMmap: 1 << 20}, prepare: everyKey, moved: moved}}
	if err := removeAll(p.spare()); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

// spare is where the file is written anew; one that is left over is of no use.
func (p *People) spare() string { return p.path + ".new" }

// everyKey looks at all that there is: the file is small, and damage is met when
// it is opened, not when somebody asks for something.
func everyKey(tx *bolt.Tx) error {
	return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(_, _ []byte) error { return nil })
	})
}

// Get is one value; listing.ErrNotFound if there is none.
func (p *People) Get(kind, id string) (value []byte, err error) {
	err = p.view(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte(kind)); b != nil {
			value = bytes.Clone(b.Get([]byte(id)))
		}
		return nil
	})
	if err == nil && value == nil {
		err = noPerson(kind, id)
	}
	return value, err
}

func noPerson(kind, id string) error { return fmt.Errorf("%s %s: %w", kind, id, listing.ErrNotFound) }

// Put keeps a value.
func (p *People) Put(kind, id string, value []byte) error {
	return p.update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(kind))
		if err != nil {
			return err
		}
		return b.Put([]byte(id), value)
	})
}

// Each yields all values of a kind in order of id, as they are when it begins.
func (p *People) Each(kind string) iter.Seq2[desk.Record, error] {
	return func(yield func(desk.Record, error) bool) {
		var all []desk.Record
		err := p.view(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(kind))
			if b == nil {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				all = append(all, desk.Record{ID: string(k), Value: bytes.Clone(v)})
				return nil
			})
		})
		if err != nil {
			yield(desk.Record{}, err)
			return
		}
		yieldAll(all, yield)
	}
}

func yieldAll(all []desk.Record, yield func(desk.Record, error) bool) {
	for _, r := range all {
		if !yield(r, nil) {
			return
		}
	}
}

// Delete removes values for good.
func (p *People) Delete(kind string, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	err := p.update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(kind))
		if b == nil {
			return nil
		}
		for _, id := range ids {
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.rewrite()
}

// rewrite makes the file anew: free pages of the old one still have the bytes of
// what was deleted.
func (p *People) rewrite() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bolt == nil {
		return errClosed()
	}
	fresh, err := bolt.Open(p.spare(), 0o600, nil)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", p.path, err)
	}
	err = errors.Join(bolt.Compact(fresh, p.bolt, 1<<20), fresh.Close())
	if err == nil {
		err = os.Rename(p.spare(), p.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(p.path))
	}
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", p.path, errors.Join(err, removeAll(p.spare())))
	}
	if err := p.bolt.Close(); err != nil {
		return fmt.Errorf("closing the old %s: %w", p.path, err)
	}
	p.bolt = nil
	return p.openBolt()
}

// PeopleInMemory stands in where the file cannot be had: what it keeps is gone
// with the program.
type PeopleInMemory struct {
	mu  sync.Mutex
	all map[person][]byte
}

type person struct{ kind, id string }

var _ desk.People = (*PeopleInMemory)(nil)

// Get is one value; listing.ErrNotFound if there is none.
func (p *PeopleInMemory) Get(kind, id string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.all[person{kind, id}]; ok {
		return bytes.Clone(v), nil
	}
	return nil, noPerson(kind, id)
}

// Put keeps a value.
func (p *PeopleInMemory) Put(kind, id string, value []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[person][]byte{}
	}
	p.all[person{kind, id}] = bytes.Clone(value)
	return nil
}

// Delete removes values.
func (p *PeopleInMemory) Delete(kind string, ids ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		delete(p.all, person{kind, id})
	}
	return nil
}

// Each yields all values of a kind in order of id, as they are when it begins.
func (p *PeopleInMemory) Each(kind string) iter.Seq2[desk.Record, error] {
	return func(yield func(desk.Record, error) bool) {
		var all []desk.Record
		p.mu.Lock()
		for who, v := range p.all {
			if who.kind == kind {
				all = append(all, desk.Record{ID: who.id, Value: v})
			}
		}
		p.mu.Unlock()
		slices.SortFunc(all, func(a, b desk.Record) int { return strings.Compare(a.ID, b.ID) })
		yieldAll(all, yield)
	}
}

// Close has nothing to close.
func (p *PeopleInMemory) Close() error { return nil }
