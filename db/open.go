package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"dnsbld/files"
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Options are how a file is opened. The zero value is right for the daemon.
type Options struct {
	// Timeout is how long to wait for another process to let go of the file;
	// zero: a second.
	Timeout time.Duration

	// InitialMmap is how many bytes of address space the file is mapped into
	// at once; zero: 4 GiB, or four times the file where that is more. While
	// the file fits, a reader that takes its time never stalls a writer. It
	// costs address space, not memory; where there is not so much, the map is
	// as large as the file.
	InitialMmap int

	// NoSync leaves out the waiting for the disk. What was written last is
	// lost, or all of it, when the machine stops: for tests only.
	NoSync bool

	file *os.File // to use in place of the one that has the name; nil: that one
}

// DB is one open file. It implements listing.Store.
type DB struct {
	path     string
	options  Options
	readOnly bool       // see OpenReadOnly
	doubt    string     // see listing.Status
	turn     sync.Mutex // held by the one who writes, in whatever file
	gate     sync.Mutex // held while a transaction begins, and while another file takes the place of the open one
	bolt     *bolt.DB
	file     *os.File       // that bolt has open
	old      sync.WaitGroup // files whose place was taken, as long as somebody reads them
	upkeep   chan struct{}  // holds a token while the file is compacted, or proved
	journal  *journal       // while the file is compacted; used within writing transactions alone

	health health
	newest atomic.Uint64 // revision that was seen in the file
	synced atomic.Bool   // something was committed since the file was opened
	queue  *queue
	news   *news
	commit func(*bolt.Tx) error    // (*bolt.Tx).Commit, but for tests
	cut    func(step string) error // what a compaction meets after a step: nil but for tests
	done   chan struct{}           // closed when the writer has ended
	closed sync.Once
}

var _ listing.Store = (*DB)(nil)

// Open opens the file, or makes it. It fails with listing.ErrUnavailable when
// another process has it, and with listing.ErrCorrupt when it is damaged,
// newer than this program, or something else; then it is left as it is.
func Open(path string, o Options) (*DB, error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	fresh, err := inspect(path, o)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	b, file, err := openBolt(path, o, false)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if fresh {
		if err := errors.Join(initialize(b), files.SyncDir(filepath.Dir(path))); err != nil {
			return nil, fmt.Errorf("making %s: %w", path, errors.Join(outward(err), b.Close()))
		}
	} else if err := guarded(func() error { return upgradeFile(b) }); err != nil {
		return nil, fmt.Errorf("upgrading %s: %w", path, errors.Join(err, letGo(b, file, err)))
	}
	removeLeftovers(path)
	d := &DB{path: path, options: o, bolt: b, file: file, upkeep: make(chan struct{}, 1),
		queue: newQueue(), news: newNews(), done: make(chan struct{}), commit: (*bolt.Tx).Commit}
	d.doubt = doubtful(file)
	go d.write()
	return d, nil
}

// mapFor is how much address space to map a file of a size into.
func mapFor(path string, o Options) int {
	if o.InitialMmap != 0 {
		return o.InitialMmap
	}
	if bits.UintSize == 32 {
		return 1 << 28
	}
	ample := int64(4 << 30)
	if info, err := os.Stat(path); err == nil {
		ample = max(ample, 4*info.Size())
	}
	return int(ample)
}

// openBolt opens the file with the lock held before anything of it is read.
func openBolt(path string, o Options, readOnly bool) (b *bolt.DB, file *os.File, err error) {
	options := &bolt.Options{FreelistType: bolt.FreelistMapType, InitialMmapSize: mapFor(path, o), NoSync: o.NoSync,
		ReadOnly: readOnly} // with statistics: they say how much is free
	if readOnly {
		options.InitialMmapSize = 0
	}
	for {
		options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := o.file, error(nil)
			if f == nil {
				f, err = openLocked(name, flag, mode, o.Timeout)
			}
			file = f
			return f, err
		}
		err = guarded(func() (err error) {
			b, err = bolt.Open(path, 0o600, options)
			return err
		})
		if errors.Is(err, listing.ErrCorrupt) && file != nil {
			_ = file.Close() // bbolt panicked and left it open; the error that counts is there already
		}
		if errors.Is(err, syscall.ENOMEM) && options.InitialMmapSize > 0 {
			options.InitialMmapSize = 0
			continue
		}
		return b, file, err
	}
}

// openLocked opens the file and takes the lock that bbolt would take, so that
// it can be looked at before bbolt does: bbolt touches pages that a file cut
// short does not have.
func openLocked(name string, flag int, mode os.FileMode, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	if err := lock(f, timeout); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if moved, err := isMoved(name, f); moved || err != nil { // while the lock was waited for
		return nil, errors.Join(err, f.Close(), inUse())
	}
	if err := checkPages(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func lock(f *os.File, timeout time.Duration) error {
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(timeout); ; time.Sleep(pause) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("locking: %w", err)
		}
		if time.Now().After(deadline) {
			return inUse()
		}
	}
}

func inUse() error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "in-use", Message: "in use by a running dnsbld",
		Hint: "stop that dnsbld first, or talk to it with blctl, without --offline"}
}

// isMoved reports whether another file has the name of an open one by now.
func isMoved(name string, f *os.File) (bool, error) {
	is, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(name)
	return err == nil && !os.SameFile(is, named), err
}

// upgradeFile upgrades a file, and does not write to one that needs none.
func upgradeFile(b *bolt.DB) error {
	version, err := versionOf(b)
	if err != nil || version >= schema {
		return err
	}
	return b.Update(func(tx *bolt.Tx) error { return upgrade(tx, version) })
}

// versionOf is the version of the layout that a file has.
func versionOf(b *bolt.DB) (version uint64, err error) {
	err = b.View(func(tx *bolt.Tx) error {
		version, _ = binary.Uvarint(tx.Bucket(metaBucket).Get(schemaKey))
		return nil
	})
	return version, err
}

// initialize makes the buckets of a new file.
func initialize(b *bolt.DB) error {
	return b.Update(func(tx *bolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(metaBucket)
		return errors.Join(meta.Put(schemaKey, binary.AppendUvarint(nil, schema)), meta.Put(headKey, head{}.encode()))
	})
}

// Close lets the requests that wait be decided, ends the iterators over
// changes, and waits for those who read. Of a file that has failed it only lets go.
func (d *DB) Close() error {
	var err error
	d.closed.Do(func() {
		d.queue.close()
		<-d.done
		d.news.close()
		d.upkeep <- struct{}{}     // and never gives it back
		if d.health.err() == nil { // else readers may not have ended
			d.old.Wait()
			err = d.bolt.Close()
		} else {
			err = syscall.Flock(int(d.file.Fd()), syscall.LOCK_UN)
		}
	})
	return err
}

// Sync returns at once: a node alone has all that was decided.
func (d *DB) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.read(func(*state) error { return nil })
}

// Status is how the store is.
func (d *DB) Status(ctx context.Context) (listing.Status, error) {
	st := listing.Status{}
	if err := ctx.Err(); err != nil {
		return st, err
	}
	if err := d.health.err(); err != nil {
		return listing.Status{Head: listing.Revision(d.newest.Load()), Path: d.path, Failed: err.Error()}, nil
	}
	err := d.read(func(s *state) error {
		sources, err := s.sources()
		st = listing.Status{Head: s.head.revision, Chain: s.head.chain, Entries: s.head.entries,
			ReadOnly: d.readOnly, Doubt: d.doubt, Forgotten: s.forgotten(), Bytes: s.tx.Size(), Free: int64(s.tx.DB().Stats().FreePageN) * int64(s.tx.DB().Info().PageSize), Path: d.path}
		for _, src := range sources {
			st.Sourced += src.Entries
		}
		return err
	})
	return st, err
}
