package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"dnsbld/files"
	"dnsbld/listing"
	"dnsbld/listing/desk"

	bolt "go.etcd.io/bbolt"
)

// People keeps the personal data of the support desk, in a file of its own:
// one bucket a kind, a value an id, sealed with both. It implements desk.People.
//
//	meta  "schema"  version of this layout; a file without it has no checksums
//	kind  id        value, sealed
//
// A deleted record is gone: the file is rewritten without it.
type People struct{ helper }

var _ desk.People = (*People)(nil)

// OpenPeople opens the file, or makes it, for its owner alone to read. A damaged
// one is moved aside and begun again; moved, if it is not nil, is told.
func OpenPeople(path string, moved func(aside string, why error)) (*People, error) {
	p := &People{helper{path: path, options: Options{InitialMmap: 1 << 20}, prepare: everyValue, moved: moved}}
	if err := files.Remove(p.spare()); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

// spare is where the file is written anew; one that is left over is of no use.
func (p *People) spare() string { return p.path + ".new" }

// peopleSchema is the version of the layout that this code writes and reads.
const peopleSchema = 2

// everyValue looks at all that there is: the file is small, and damage is met when
// it is opened, not when somebody asks for something. A file of before is brought to
// the present layout.
func everyValue(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if err := eachKind(tx, func(kind []byte, b *bolt.Bucket) error { return sealAll(b, append(kind, 0)) }); err != nil {
			return err
		}
		var err error
		if meta, err = tx.CreateBucket(metaBucket); err == nil {
			err = meta.Put(schemaKey, binary.AppendUvarint(nil, peopleSchema))
		}
		if err != nil {
			return err
		}
	}
	if version, _ := binary.Uvarint(meta.Get(schemaKey)); version != peopleSchema {
		return corruptf("version %d of its layout is not known", version)
	}
	return eachKind(tx, func(kind []byte, b *bolt.Bucket) error {
		return b.ForEach(func(id, v []byte) error {
			_, err := unseal(personKey(string(kind), id), v)
			return err
		})
	})
}

// eachKind calls f with each bucket of records.
func eachKind(tx *bolt.Tx, f func(kind []byte, b *bolt.Bucket) error) error {
	return tx.ForEach(func(kind []byte, b *bolt.Bucket) error {
		if bytes.Equal(kind, metaBucket) {
			return nil
		}
		return f(bytes.Clone(kind), b)
	})
}

// personKey is what the checksum of a value is of, beside the value.
func personKey(kind string, id []byte) []byte { return append(append([]byte(kind), 0), id...) }

// Get is one value; listing.ErrNotFound if there is none.
func (p *People) Get(kind, id string) (value []byte, err error) {
	found := false
	err = p.view(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(kind))
		if b == nil {
			return nil
		}
		sealed := b.Get([]byte(id))
		if sealed == nil {
			return nil
		}
		raw, err := unseal(personKey(kind, []byte(id)), sealed)
		value, found = bytes.Clone(raw), err == nil
		return err
	})
	if err == nil && !found {
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
		return b.Put([]byte(id), seal(personKey(kind, []byte(id)), value))
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
				raw, err := unseal(personKey(kind, k), v)
				all = append(all, desk.Record{ID: string(k), Value: bytes.Clone(raw)})
				return err
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
	err = guarded(func() error { return bolt.Compact(fresh, p.bolt, 1<<20) })
	err = errors.Join(err, guarded(fresh.Close))
	if err == nil {
		err = os.Rename(p.spare(), p.path)
	}
	if err == nil {
		err = files.SyncDir(filepath.Dir(p.path))
	}
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", p.path, errors.Join(err, files.Remove(p.spare())))
	}
	if err := guarded(p.bolt.Close); err != nil {
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
