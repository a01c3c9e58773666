package db

import (
	"fmt"
	"os"
	"syscall"
)

// spool is room for what an import says and for what is written of it, which may be
// more than the machine has memory. The first of it is memory; the rest is mapped
// from a file that has no name, so the system writes it out and takes it back as it
// sees fit, and a crash leaves nothing. What was kept there is good until close.
type spool struct {
	path   string // of the list: the file lies beside it
	file   *os.File
	size   int64    // of the file
	mapped [][]byte // pieces of it
	free   []byte   // of the last piece
}

// Sizes of pieces of a spool.
const (
	spoolFirst = 256 << 10
	spoolPiece = 4 << 20
)

// keep copies bytes to the spool.
func (s *spool) keep(b []byte) ([]byte, error) {
	if len(b) > len(s.free) {
		if err := s.grow(len(b)); err != nil {
			return nil, outward(fmt.Errorf("making room for an import: %w", err))
		}
	}
	n := copy(s.free, b)
	kept := s.free[:n:n]
	s.free = s.free[n:]
	return kept, nil
}

func (s *spool) grow(need int) (err error) {
	if s.free == nil && need <= spoolFirst {
		s.free = make([]byte, spoolFirst)
		return nil
	}
	if s.file == nil {
		if s.file, err = nameless(s.path, importKind); err != nil {
			return err
		}
	}
	size := (need + spoolPiece - 1) / spoolPiece * spoolPiece
	for at := 0; at < size; at += spoolPiece { // a disk that is full says so here, and not by a signal
		if _, err := s.file.WriteAt(zeros[:], s.size+int64(at)); err != nil {
			return err
		}
	}
	s.free, err = syscall.Mmap(int(s.file.Fd()), s.size, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if s.size += int64(size); err != nil { // the file system cannot, so it is memory
		s.free = make([]byte, size)
		return nil
	}
	s.mapped = append(s.mapped, s.free)
	return nil
}

// zeros are what a piece is before it is used. Nobody writes there, so the system keeps
// no memory for them.
var zeros [spoolPiece]byte

// close gives all of it back.
func (s *spool) close() {
	for _, piece := range s.mapped {
		_ = syscall.Munmap(piece) // of what Mmap gave
	}
	if s.file != nil {
		_ = s.file.Close() // nobody reads it again
	}
	*s = spool{path: s.path}
}
