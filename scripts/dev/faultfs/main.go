// Command faultfs is a disk for tests, in memory, mounted on a folder by FUSE: it
// loses power, and it fails. It knows of each operation whether it was synced, and
// makes of one run of a program any number of disks as a loss of power would have
// left them: what was synced is there, for files and for the names in folders apart,
// and of the rest any sectors, names and sizes.
//
// It reads commands from its input and answers each, one line of JSON a command,
// until the input ends.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "faultfs:", err)
		os.Exit(1)
	}
}

// command is what is wanted.
//
//	""      how far the tape is
//	keep    the disk so far is what cuts are made of
//	cut     another disk is mounted: that which was kept, without power at some
//	        operation, not before From; the program must have ended
//	again   the same of the disk that is mounted
//	fault   operations fail from now on; an empty fault heals
//	forget  the kernel reads again what it had in its cache of a file
type command struct {
	Do    string
	Seed  uint64
	From  int
	Fault fault
	File  string
}

// answer is how it stands after a command.
type answer struct {
	Position int    // operations that are on the tape
	Hits     int    // operations that failed
	At       int    // where the power was cut
	Why      string // and what came before
	Error    string `json:",omitempty"`
}

// bench is the folder with the disk that is mounted there.
type bench struct {
	folder string
	disk   *disk
	server *fuse.Server
	kept   *tape
}

func run(args []string, in io.Reader, out io.Writer) (err error) {
	if len(args) != 1 {
		return errors.New("usage: faultfs FOLDER")
	}
	b := &bench{folder: args[0]}
	if err := b.insert(newDisk(empty())); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.Unmount()) }()
	to := json.NewEncoder(out)
	if err := to.Encode(answer{}); err != nil { // it is mounted
		return err
	}
	for from := json.NewDecoder(in); ; {
		var c command
		if err := from.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := b.do(c)
		if err != nil {
			a.Error = err.Error()
		}
		if err := to.Encode(a); err != nil {
			return err
		}
	}
}

// insert mounts another disk.
func (b *bench) insert(d *disk) error {
	if b.server != nil {
		if err := b.server.Unmount(); err != nil {
			return err
		}
	}
	server, err := mount(b.folder, d)
	if err != nil {
		return fmt.Errorf("mounting on %s: %w", b.folder, err)
	}
	b.disk, b.server = d, server
	return nil
}

func (b *bench) do(c command) (a answer, err error) {
	d := b.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	switch c.Do {
	case "":
	case "keep":
		kept := d.tape
		b.kept = &kept
	case "cut", "again":
		t := b.kept
		if c.Do == "again" {
			t = &d.tape
		}
		if t == nil || c.From > len(t.ops) {
			return a, fmt.Errorf("there are no %d operations on the tape", c.From)
		}
		r := rand.New(rand.NewPCG(c.Seed, 0))
		a.At, a.Why = t.turn(c.From, r)
		f := fate{r, style(r.IntN(int(styles)))}
		a.Why += ", " + f.style.String()
		disk := newDisk(t.cut(a.At, f))
		d.mu.Unlock()
		err = b.insert(disk)
		d.mu.Lock()
		return a, err
	case "fault":
		d.fault, d.hits = c.Fault, 0
	case "forget":
		d.mu.Unlock()
		err = d.forget(c.File)
		d.mu.Lock()
	default:
		err = fmt.Errorf("there is no %q", c.Do)
	}
	a.Position, a.Hits = len(d.tape.ops), d.hits
	return a, err
}
