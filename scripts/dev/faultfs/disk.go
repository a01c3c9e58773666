package main

import (
	"math"
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
)

// fault is an error that some operations end with.
type fault struct {
	Op    string        // write, sync, read, name; change: all but read; room: what needs new room
	File  string        // how the name of the file ends; empty: all
	Errno syscall.Errno // what comes of it
	From  int64         // what lies before it in a file is read well
	After int           // so many go well first
	Times int           // so many fail; 0: until it is healed
}

// disk is what a program has mounted. Reading and writing go to what a program would
// find if nothing ever failed; the tape has the rest.
type disk struct {
	mu    sync.Mutex
	tape  tape
	now   image
	names map[int]string // of files, for faults
	next  int            // number of the next file
	fault fault
	hits  int // how often it was met

	inodes map[int]*fs.Inode // that the kernel has asked for
	room   map[place]bool    // blocks that files have, of those written since it is mounted
}

// newDisk is one that holds an image, durably.
func newDisk(holds image) *disk {
	d := &disk{tape: tape{base: holds}, now: holds.clone(), names: map[int]string{}, next: root + 1, inodes: map[int]*fs.Inode{}, room: map[place]bool{}}
	for number, n := range d.now {
		d.next = max(d.next, number+1)
		for name, child := range n.names {
			d.names[child] = name
		}
	}
	return d
}

// fails reports what an operation on a file, up to an offset, ends with, where it
// fails. d.mu is held.
func (d *disk) fails(what, file string, end int64) syscall.Errno {
	f := &d.fault
	concerns := f.Op == what || f.Op == "change" && what != "read"
	if f.Errno == 0 || !concerns || end <= f.From || !strings.HasSuffix(file, f.File) {
		return 0
	}
	if f.After > 0 {
		f.After--
		return 0
	}
	d.hits++
	failed := f.Errno
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			*f = fault{}
		}
	}
	return failed
}

// do does an operation on a file or on names, notes it, or fails. The data are its own.
func (d *disk) do(what, file string, o op) syscall.Errno {
	if d.fault.Op == "room" && (o.kind == named || o.kind == written && !d.hasRoom(o)) {
		what = "room"
	}
	if errno := d.fails(what, file, math.MaxInt64); errno != 0 {
		return errno
	}
	d.take(o)
	d.now.apply(o)
	d.tape.ops = append(d.tape.ops, o)
	return 0
}

// block is what a file takes of a disk at a time. What was written once has its room,
// and a hole has none: a full disk refuses only what needs more.
const block = 4096

func blocks(o op) (first, last int64) {
	return o.at / block, (o.at + int64(len(o.data)) - 1) / block
}

func (d *disk) hasRoom(o op) bool {
	for first, last := blocks(o); first <= last; first++ {
		if !d.room[place{o.node, first}] {
			return false
		}
	}
	return true
}

// take notes that a file has room.
func (d *disk) take(o op) {
	if o.kind == written {
		for first, last := blocks(o); first <= last; first++ {
			d.room[place{o.node, first}] = true
		}
	}
}

// place is a block of a file.
type place struct {
	node int
	nth  int64
}

// sync makes a file, or the names in a folder, durable. Where that fails, some of it
// may be: what the disk has is read again once the cache of the kernel has lost it.
func (d *disk) sync(number int) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.fails("sync", d.names[number], math.MaxInt64); errno != 0 {
		d.tape.ops = append(d.tape.ops, op{kind: unsynced, node: number, at: int64(len(d.tape.ops))})
		if n := d.tape.cut(len(d.tape.ops), fate{style: kept})[number]; n != nil && n.names == nil {
			d.now[number] = n
		}
		return errno
	}
	d.tape.ops = append(d.tape.ops, op{kind: synced, node: number})
	return 0
}

// make makes a file or a folder.
func (d *disk) make(in int, name string, dir bool) (number int, errno syscall.Errno) {
	number = d.next
	if errno := d.do("name", name, op{kind: named, node: in, name: name, child: number, dir: dir}); errno != 0 {
		return 0, errno
	}
	d.next++
	d.names[number] = name
	return number, 0
}

// find is what has a name in a folder.
func (d *disk) find(in int, name string) (number int, n *node, errno syscall.Errno) {
	number, there := d.now[in].names[name]
	if !there {
		return 0, nil, syscall.ENOENT
	}
	return number, d.now[number], 0
}
