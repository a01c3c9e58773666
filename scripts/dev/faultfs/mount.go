package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// entry is a file or a folder as the kernel asks for it.
type entry struct {
	fs.Inode
	*disk
	number int
}

var _ = interface {
	fs.NodeLookuper
	fs.NodeGetattrer
	fs.NodeSetattrer
	fs.NodeOpener
	fs.NodeReader
	fs.NodeWriter
	fs.NodeFsyncer
	fs.NodeCreater
	fs.NodeMkdirer
	fs.NodeUnlinker
	fs.NodeRmdirer
	fs.NodeRenamer
	fs.NodeReaddirer
}(&entry{})

// mount mounts a disk on a folder. The cache of the kernel is as that of a disk: what
// was read or written once is not asked for again, also by a later process.
func mount(on string, d *disk) (*fuse.Server, error) {
	return fs.Mount(on, &entry{disk: d, number: root}, &fs.Options{MountOptions: fuse.MountOptions{
		FsName: "faultfs", DirectMountStrict: true, DirectMountFlags: syscall.MS_NOSUID | syscall.MS_NODEV, ExplicitDataCacheControl: true}})
}

// inode is a file or a folder for the kernel. e.mu is held.
func (e *entry) inode(ctx context.Context, number int, out *fuse.Attr) *fs.Inode {
	e.describe(number, out)
	if e.inodes[number] == nil {
		e.inodes[number] = e.NewPersistentInode(ctx, &entry{disk: e.disk, number: number}, fs.StableAttr{Mode: out.Mode & syscall.S_IFMT, Ino: uint64(number)})
	}
	return e.inodes[number]
}

func (d *disk) describe(number int, out *fuse.Attr) {
	n := d.now[number]
	out.Ino, out.Nlink, out.Mode = uint64(number), 1, syscall.S_IFREG|0o600
	if n.names != nil {
		out.Mode = syscall.S_IFDIR | 0o700
	}
	out.Size = uint64(len(n.data))
	out.Blocks = (out.Size + sector - 1) / sector
}

func (e *entry) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, _, errno := e.find(e.number, name)
	if errno != 0 {
		return nil, errno
	}
	return e.inode(ctx, number, &out.Attr), 0
}

func (e *entry) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.describe(e.number, &out.Attr)
	return 0
}

// Setattr gives a file another size; owners, modes and times are not kept.
func (e *entry) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	if size, ok := in.GetSize(); ok {
		if errno := e.do("write", e.names[e.number], op{kind: resized, node: e.number, at: int64(size)}); errno != 0 {
			return errno
		}
	}
	e.describe(e.number, &out.Attr)
	return 0
}

func (e *entry) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY && e.fault.Errno == syscall.EROFS {
		return nil, 0, syscall.EROFS
	}
	return nil, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

func (e *entry) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if errno := e.fails("read", e.names[e.number], at+int64(len(to))); errno != 0 {
		return nil, errno
	}
	data := e.now[e.number].data
	data = data[min(at, int64(len(data))):]
	return fuse.ReadResultData(slices.Clone(data[:min(len(data), len(to))])), 0
}

func (e *entry) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	errno := e.do("write", e.names[e.number], op{kind: written, node: e.number, at: at, data: slices.Clone(data)})
	if errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (e *entry) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno { return e.sync(e.number) }

func (e *entry) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, errno := e.make(e.number, name, false)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return e.inode(ctx, number, &out.Attr), nil, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

func (e *entry) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, errno := e.make(e.number, name, true)
	if errno != 0 {
		return nil, errno
	}
	return e.inode(ctx, number, &out.Attr), 0
}

func (e *entry) Unlink(_ context.Context, name string) syscall.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, _, errno := e.find(e.number, name)
	if errno != 0 {
		return errno
	}
	return e.do("name", name, op{kind: removed, node: e.number, name: name, child: number})
}

func (e *entry) Rmdir(ctx context.Context, name string) syscall.Errno {
	e.mu.Lock()
	_, n, errno := e.find(e.number, name)
	e.mu.Unlock()
	if errno == 0 && len(n.names) > 0 {
		errno = syscall.ENOTEMPTY
	}
	if errno != 0 {
		return errno
	}
	return e.Unlink(ctx, name)
}

// Rename moves a name within one folder; our programs do nothing else.
func (e *entry) Rename(_ context.Context, name string, into fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, _, errno := e.find(e.number, name)
	switch {
	case errno != 0:
		return errno
	case into.(*entry).number != e.number || flags != 0:
		return syscall.EXDEV
	}
	if errno := e.do("name", to, op{kind: renamed, node: e.number, name: name, to: to, child: number}); errno != 0 {
		return errno
	}
	e.names[number] = to
	return 0
}

func (e *entry) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []fuse.DirEntry
	for name, number := range e.now[e.number].names {
		var a fuse.Attr
		e.describe(number, &a)
		all = append(all, fuse.DirEntry{Name: name, Ino: uint64(number), Mode: a.Mode})
	}
	return fs.NewListDirStream(all), 0
}

// forget has the kernel read files again.
func (d *disk) forget(name string) error {
	d.mu.Lock()
	var all []*fs.Inode
	for number, is := range d.names {
		if i := d.inodes[number]; is == name && i != nil {
			all = append(all, i)
		}
	}
	d.mu.Unlock()
	for _, i := range all {
		if errno := i.NotifyContent(0, 0); errno != 0 && errno != syscall.ENOENT { // it has no such file
			return fmt.Errorf("%s: %w", name, errno)
		}
	}
	return nil
}
