package mta

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Position is how far a log was read. It finds its place again after the log was rotated, by
// renaming or by copying and truncating. The zero Position is the beginning.
type Position struct {
	Inode   uint64 `json:"inode"`
	Offset  int64  `json:"offset"`   // of the line to come, in octets
	Head    uint64 `json:"head"`     // FNV-1a of the first HeadLen octets: which file it is, whatever its inode
	HeadLen int    `json:"head_len"` // at most 256
}

// maxHead is how much of a file tells it from others. A log's first lines hold the time.
const maxHead = 256

// ErrQuiet is returned by Next when there was no new line for one polling interval.
var ErrQuiet = errors.New("nothing new")

// Follower reads the lines of a log that is being written to, across rotation. A file that has
// vanished is waited for. It is not for concurrent use.
type Follower struct {
	path  string
	from  Position // where to begin; used once
	begun bool
	poll  time.Duration

	file    *os.File
	base    int64 // offset in file at which lines began
	lines   *lines
	head    Position // Inode, Head and HeadLen of file
	old     bool     // file is not the one at path any more, or about to be not
	renamed bool     // that was seen once: its writer may still have lines for it
	queue   []string // rotated files that come after it
	tooLong func()   // called for each line that is skipped because it is too long
}

// NewFollower returns a follower that begins at from. It looks for more every poll; zero means
// every second. It calls tooLong for each line that is longer than MaxLine, and skips it.
func NewFollower(path string, from Position, poll time.Duration, tooLong func()) *Follower {
	if poll <= 0 {
		poll = time.Second
	}
	return &Follower{path: path, from: from, poll: poll, tooLong: tooLong}
}

// Next returns the next line, without its end; it is good until the next call. With nothing new, it
// returns ErrQuiet after one polling interval: call it again.
func (f *Follower) Next(ctx context.Context) ([]byte, error) {
	for ctx.Err() == nil {
		if err := f.open(); errors.Is(err, fs.ErrNotExist) {
			return nil, f.wait(ctx)
		} else if err != nil {
			return nil, fmt.Errorf("following log: %w", err)
		}
		line, err := f.lines.next()
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("following log: %w", err)
		case f.old:
			rest := f.lines.rest()
			f.close()
			if len(rest) > 0 {
				return rest, nil
			}
			continue
		}
		more, err := f.rotated()
		if err != nil {
			return nil, fmt.Errorf("following log: %w", err)
		}
		if !more {
			return nil, f.wait(ctx)
		}
	}
	return nil, ctx.Err()
}

// wait waits one polling interval: inotify would not see a log on another machine's file system.
func (f *Follower) wait(ctx context.Context) error {
	timer := time.NewTimer(f.poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrQuiet
	}
}

// Position is where the line after the last one begins.
func (f *Follower) Position() Position {
	if f.file == nil {
		if f.begun {
			return Position{}
		}
		return f.from
	}
	if f.head.HeadLen < maxHead { // it may have grown, or be another by now
		if grown := identify(f.file, f.head.Inode); f.head.begins(f.file) {
			f.head = grown
		}
	}
	at := f.head
	at.Offset = f.base + f.lines.whole
	return at
}

// Close closes the file.
func (f *Follower) Close() error {
	if f.file == nil {
		return nil
	}
	return f.close()
}

// close lets go of the file; the next one is opened by open.
func (f *Follower) close() error {
	f.lines = nil
	err := f.file.Close()
	f.file, f.old, f.renamed = nil, false, false
	return err
}

// open opens the file to read from, if none is open: at first where from says, then what was
// rotated since, then the log itself.
func (f *Follower) open() error {
	switch {
	case f.file != nil:
		return nil
	case !f.begun:
		return f.resume()
	case len(f.queue) > 0:
		next := f.queue[0]
		f.queue = f.queue[1:]
		if err := f.use(next, 0); !errors.Is(err, fs.ErrNotExist) {
			f.old = err == nil
			return err
		}
		return f.open()
	}
	return f.use(f.path, 0)
}

// resume goes to where from says. If that file is gone, it begins with the log as it is.
func (f *Follower) resume() error {
	if f.from != (Position{}) && !f.from.in(f.path) {
		if rotated, later := findRotated(f.path, f.from); rotated != "" {
			if err := f.use(rotated, f.from.Offset); err == nil {
				f.begun, f.old, f.queue = true, true, later
				return nil
			}
		}
		f.from = Position{}
	}
	if err := f.use(f.path, f.from.Offset); err != nil {
		return err
	}
	f.begun = true
	return nil
}

// use opens a file and goes to offset.
func (f *Follower) use(path string, offset int64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return err
	}
	f.file, f.base, f.lines = file, offset, newLines(file, f.tooLong)
	f.head = identify(file, inode(info))
	return nil
}

// rotated looks, at the end of the file, whether it is still the log. It returns true if there is
// more to read at once.
//
// A log is rotated in one of two ways. Renamed, the file that is open still gets its writer's last
// lines, and is left when, a look later, there is another at its path. Copied and truncated, it is
// shorter than what was read of it, or begins otherwise; what was not read is in the copy.
func (f *Follower) rotated() (bool, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // renamed, and the new one is not made yet
	}
	if err != nil {
		return false, err
	}
	if inode(info) != f.head.Inode {
		f.old, f.renamed = f.renamed, true
		return f.old, nil
	}
	at := f.Position()
	if info.Size() >= f.base+f.lines.used && at.in(f.path) {
		return false, nil
	}
	f.close()
	if copied, later := findRotated(f.path, at); copied != "" && f.use(copied, at.Offset) == nil {
		f.old, f.queue = true, later
	}
	return true, nil
}

// identify reads what tells a file from others.
func identify(file *os.File, inode uint64) Position {
	head := make([]byte, maxHead)
	n, _ := file.ReadAt(head, 0) // what cannot be read does not identify
	hash := fnv.New64a()
	hash.Write(head[:n])
	return Position{Inode: inode, Head: hash.Sum64(), HeadLen: n}
}

// in reports whether path is the file that p is a position in.
func (p Position) in(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() < p.Offset || p.HeadLen < 0 || p.HeadLen > maxHead {
		return false
	}
	if p.HeadLen == 0 {
		return p.Offset == 0 && inode(info) == p.Inode
	}
	return p.begins(file)
}

// begins reports whether the file begins as that of p did.
func (p Position) begins(file *os.File) bool {
	head := make([]byte, p.HeadLen)
	if n, _ := file.ReadAt(head, 0); n < len(head) {
		return false
	}
	hash := fnv.New64a()
	hash.Write(head)
	return hash.Sum64() == p.Head
}

func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
