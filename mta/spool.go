package mta

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"dnsbld/files"
	"dnsbld/listing"
)

// Spool keeps, in a directory, batches of lines until they have been sent, whatever happens
// meanwhile: a batch that Put returned for is on disk. When it is full the oldest go. One process
// has a spool at a time; its methods may be called at once.
//
// A batch is a file, NUMBER.ndjson, whose 20 digits rise: the names are in the order of the
// batches. NUMBER.ndjson.new is one that was not written to its end. The file lock is locked while
// a process has the spool.
type Spool struct {
	dir   string
	limit int64
	lock  *os.File

	mu      sync.Mutex
	files   []spooled // the oldest first
	size    int64
	next    uint64 // number of the next batch
	lost    int
	sending string // the batch that Oldest gave: it does not make room
}

type spooled struct {
	name string
	size int64
}

const spoolSuffix = ".ndjson"

// OpenSpool opens the spool in dir, made if need be, for limit octets at the most.
func OpenSpool(dir string, limit int64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, &listing.Error{Kind: listing.ErrUnavailable, Code: "spool-in-use", Message: "the spool " + dir + " is in use by another process",
			Hint: "one process sends from a spool: give each one its own"}
	}
	s := &Spool{dir: dir, limit: limit, lock: lock, next: 1}
	if err := s.scan(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	return s, nil
}

// scan finds what is in the directory. A file that was not written to its end goes: Put never
// returned for it.
func (s *Spool) scan() error {
	entries, err := os.ReadDir(s.dir) // in the order of the names
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), spoolSuffix+".new") {
			if err := os.Remove(s.path(e.Name())); err != nil {
				return err
			}
		}
		digits, ok := strings.CutSuffix(e.Name(), spoolSuffix)
		number, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		s.add(e.Name(), info.Size(), number)
	}
	return nil
}

func (s *Spool) path(name string) string { return filepath.Join(s.dir, name) }

// add takes note of a file, the newest.
func (s *Spool) add(name string, size int64, number uint64) {
	s.files = append(s.files, spooled{name, size})
	s.size += size
	s.next = max(s.next, number+1)
}

// Put keeps a batch. It is on disk when Put returns.
func (s *Spool) Put(batch []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("%020d%s", s.next, spoolSuffix)
	if err := files.Replace(s.path(name), batch); err != nil {
		return fmt.Errorf("spooling sessions: %w", err)
	}
	s.add(name, int64(len(batch)), s.next)
	for i := 0; s.size > s.limit && i < len(s.files)-1; {
		if s.files[i].name == s.sending {
			i++
			continue
		}
		if err := s.remove(i); err != nil {
			return err
		}
		s.lost++
	}
	return nil
}

// remove lets go of the i-th file.
func (s *Spool) remove(i int) error {
	if err := files.Remove(s.path(s.files[i].name)); err != nil {
		return fmt.Errorf("spooling sessions: %w", err)
	}
	s.size -= s.files[i].size
	s.files = slices.Delete(s.files, i, i+1)
	return nil
}

// Oldest is the batch to be sent next; ok is false if there is none. Done lets go of it.
func (s *Spool) Oldest() (batch []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.files) > 0 {
		name := s.files[0].name
		batch, err = os.ReadFile(s.path(name))
		if errors.Is(err, fs.ErrNotExist) { // taken away by hand
			if err := s.remove(0); err != nil {
				return nil, false, err
			}
			continue
		}
		if err != nil {
			return nil, false, fmt.Errorf("reading the spool: %w", err)
		}
		s.sending = name
		return batch, true, nil
	}
	return nil, false, nil
}

// Done lets go of the batch that Oldest gave last: it was sent.
func (s *Spool) Done() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.files, func(f spooled) bool { return f.name == s.sending })
	if i < 0 {
		return nil
	}
	return s.remove(i)
}

// Waiting is how many batches there are.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files)
}

// Lost is how many batches had to go unsent, since the spool was opened.
func (s *Spool) Lost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Close lets another process have the spool. The batches stay.
func (s *Spool) Close() error { return s.lock.Close() }
