package server

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// inMemory is how many bytes of an answer are kept in memory.
const inMemory = 1 << 20

// spool takes a long answer at full speed, so that the transaction it is read
// from is short, and gives it out at the reader's. What does not fit into
// memory goes to a file without a name.
type spool struct {
	make   func() (*os.File, error) // one without a name; nil: all of it is memory
	memory bytes.Buffer
	file   *os.File
	size   int64
}

// Write takes a part of the answer.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.make != nil && s.memory.Len()+len(p) > inMemory {
		if err := s.spill(); err != nil {
			return 0, fmt.Errorf("spooling an answer: %w", err)
		}
	}
	var n int
	var err error
	if s.file != nil {
		n, err = s.file.Write(p)
	} else {
		n, err = s.memory.Write(p)
	}
	s.size += int64(n)
	if err != nil {
		err = fmt.Errorf("spooling an answer: %w", err)
	}
	return n, err
}

// spill goes on in a file.
func (s *spool) spill() (err error) {
	if s.file, err = s.make(); err == nil {
		_, err = s.memory.WriteTo(s.file)
	}
	return err
}

// send writes the answer to w.
func (s *spool) send(w io.Writer) error {
	if s.file == nil {
		_, err := s.memory.WriteTo(w)
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, s.file)
	return err
}

// close gives the file back.
func (s *spool) close() {
	if s.file != nil {
		s.file.Close() // read back already, and nameless
	}
}
