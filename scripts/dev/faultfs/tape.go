package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// kind is what was done to a disk.
type kind byte

const (
	written  kind = iota // data at an offset of a file
	resized              // a file, to an offset
	synced               // a file, or the names in a folder
	unsynced             // the same, which failed: what became of the data nobody knows
	named                // a new file or folder, in a folder
	renamed              // what has a name in a folder, to another name there
	removed              // a name from a folder
)

func (k kind) String() string {
	return [...]string{"write", "resize", "sync", "failed sync", "create", "rename", "remove"}[k]
}

// op is one thing that was done.
type op struct {
	kind
	node  int    // the file, or the folder that names are in
	at    int64  // offset, or size
	data  []byte // written
	name  string
	to    string // new name
	child int    // that has the name
	dir   bool   // it is a folder
}

// node is a file or a folder.
type node struct {
	data  []byte
	names map[string]int // of a folder; else nil
}

const (
	root   = 1 // the number of the outermost folder
	sector = 512
)

// image is what a disk holds: files and folders by number.
type image map[int]*node

func empty() image { return image{root: {names: map[string]int{}}} }

// clone copies what can be reached by a name.
func (i image) clone() image {
	to := image{}
	i.copyTo(to, root)
	return to
}

func (i image) copyTo(to image, number int) {
	n := i[number]
	to[number] = &node{data: slices.Clone(n.data), names: maps.Clone(n.names)}
	for _, child := range n.names {
		i.copyTo(to, child)
	}
}

// file is a file of that number, which may have no name yet.
func (i image) file(number int) *node {
	if i[number] == nil {
		i[number] = &node{}
	}
	return i[number]
}

// apply does what was done, as far as it can be: a name that did not last is not
// moved or removed.
func (i image) apply(o op) {
	switch o.kind {
	case written:
		i.file(o.node).write(o.at, o.data)
	case resized:
		i.file(o.node).resize(o.at)
	case named:
		if n := i.file(o.child); o.dir && n.names == nil {
			n.names = map[string]int{}
		}
		i.folder(o.node).names[o.name] = o.child
	case renamed:
		i.apply(op{kind: removed, node: o.node, name: o.name, child: o.child})
		i.file(o.child)
		i.folder(o.node).names[o.to] = o.child
	case removed:
		if names := i.folder(o.node).names; names[o.name] == o.child {
			delete(names, o.name)
		}
	}
}

func (i image) folder(number int) *node {
	n := i.file(number)
	if n.names == nil {
		n.names = map[string]int{}
	}
	return n
}

func (n *node) write(at int64, data []byte) {
	if end := at + int64(len(data)); end > int64(len(n.data)) {
		n.resize(end)
	}
	copy(n.data[at:], data)
}

func (n *node) resize(size int64) {
	if size < int64(len(n.data)) {
		clear(n.data[size:])
		n.data = n.data[:size]
		return
	}
	n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
}

// tape is a disk as it was, and all that was done to it since.
type tape struct {
	base image
	ops  []op
}

// cut is the disk as a loss of power leaves it after a number of operations: what
// was synced is there, and of the rest as much as the fate says.
func (t *tape) cut(at int, f fate) image {
	disk := t.base.clone()
	pending := map[int][]op{} // by file, or by folder of the names
	for _, o := range t.ops[:at] {
		switch o.kind {
		case synced:
			for _, p := range pending[o.node] {
				disk.apply(p)
			}
			delete(pending, o.node)
		case unsynced:
			disk.settle(pending[o.node], fate{rand.New(rand.NewPCG(uint64(o.at), 1)), torn})
			delete(pending, o.node)
		default:
			pending[o.node] = append(pending[o.node], o)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(pending)) {
		disk.settle(pending[number], f)
	}
	return disk.clone() // without what has no name
}

// fate decides how much of what was not synced is on the disk: each operation has,
// of all that concern one sector or name, a place in time, and is there when its
// place is before the limit.
type fate struct {
	*rand.Rand
	style
}

// style is what kind of disk it is.
type style byte

const (
	lost    style = iota // nothing that was not synced
	kept                 // all of it
	ordered              // as much as had come when the power went
	torn                 // any version of each sector
	gaps                 // all but a few sectors
	styles
)

func (s style) String() string {
	return [...]string{"lost", "kept", "ordered", "torn", "with gaps"}[s]
}

// limit is how many of n operations have reached one place of a file.
func (f fate) limit(n, all int) int {
	switch {
	case f.style == lost:
		return 0
	case f.style == kept:
		return n
	case f.style == ordered:
		return all
	case f.style == gaps && f.IntN(8) > 0:
		return n
	}
	return f.IntN(n + 1)
}

// settle does as much of what was done to one file, or to the names of a folder, as
// the fate says.
func (i image) settle(ops []op, f fate) {
	if len(ops) == 0 {
		return
	}
	all := f.IntN(len(ops) + 1)
	if ops[0].kind >= named {
		for n, o := range ops {
			if n < f.limit(len(ops), all) {
				i.apply(o)
			}
		}
		return
	}
	i.file(ops[0].node).tear(ops, func() int { return f.limit(len(ops), all) })
}

// tear writes of each sector what had reached it, and then gives the file the size
// that had reached the disk.
func (n *node) tear(ops []op, draw func() int) {
	size, sizeLimit := int64(len(n.data)), draw()
	limits := map[int64]int{}
	reached := func(at int64, nth int) bool {
		s := at / sector
		if _, drawn := limits[s]; !drawn {
			limits[s] = draw()
		}
		return nth < limits[s]
	}
	for nth, o := range ops {
		end := o.at + int64(len(o.data))
		if nth < sizeLimit {
			size = max(size, end)
			if o.kind == resized {
				size = o.at
			}
		}
		if o.kind == resized { // what is cut off is read as zeros when the file grows again
			for at := o.at; at < int64(len(n.data)); at = next(at) {
				if reached(at, nth) {
					clear(n.data[at:min(next(at), int64(len(n.data)))])
				}
			}
			continue
		}
		for at := o.at; at < end; at = next(at) {
			if reached(at, nth) {
				n.write(at, o.data[at-o.at:min(next(at), end)-o.at])
			}
		}
	}
	n.resize(size)
}

// next is where the next sector begins.
func next(at int64) int64 { return (at/sector + 1) * sector }

// turn chooses where to cut, from an operation on: half of the time anywhere, else
// right before or after something that is done now and then only.
func (t *tape) turn(from int, r *rand.Rand) (at int, why string) {
	at = from + r.IntN(len(t.ops)-from+1)
	kinds := map[kind][]int{}
	for n, o := range t.ops[from:] {
		kinds[o.kind] = append(kinds[o.kind], from+n)
	}
	if r.IntN(2) == 0 && len(kinds) > 0 {
		which := slices.Sorted(maps.Keys(kinds))
		some := kinds[which[r.IntN(len(which))]]
		at = some[r.IntN(len(some))] + r.IntN(2)
	}
	if at == 0 {
		return at, "before anything"
	}
	o := t.ops[at-1]
	return at, fmt.Sprintf("after operation %d of %d, %s %s%s of %d", at, len(t.ops), o.kind, o.name, o.to, o.node)
}
