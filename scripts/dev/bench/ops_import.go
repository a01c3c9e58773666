package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// ipsumHosts is the length of a well-known public list of single addresses.
const ipsumHosts = 120430

// opImport: the whole list into an empty store, a refresh that replaces 1 % of the hosts, and a restart.
func opImport(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer func() { d.proc.stop() }()
	pids, err := family(d.proc.pid)
	if err != nil {
		return err
	}
	before, err := processTime(d.proc.pid)
	if err != nil {
		return err
	}
	took, err := d.load(ctx, o.data, true)
	if err != nil {
		return err
	}
	after, err := processTime(d.proc.pid)
	if err != nil {
		return err
	}
	o.figure(name, o.data.size()+" to answering", took.Seconds(), "s")
	o.figure(name, "CPU of it", (after - before).Seconds(), "s")
	kb, err := anonymousKB(pids)
	if err != nil {
		return err
	}
	o.figure(name, "RssAnon after it", float64(kb)/1024, "MB")
	if err := o.refresh(ctx, d, name); err != nil {
		return err
	}
	return o.restart(ctx, d, name)
}

// refresh replaces the source by one that differs in 1 % of the hosts. It measures time, what the files of the store
// grew, and what was written: a store with free pages need not grow.
func (o *operations) refresh(ctx context.Context, d *dnsbld, name string) error {
	size, err := treeSize(d.site.path("data"))
	if err != nil {
		return err
	}
	written, err := writtenBytes(d.proc.pid)
	if err != nil {
		return err
	}
	changed := o.data.churned(o.options.seed)
	took, err := d.load(ctx, changed, true)
	if err != nil {
		return err
	}
	sizeAfter, err := treeSize(d.site.path("data"))
	if err != nil {
		return err
	}
	writtenAfter, err := writtenBytes(d.proc.pid)
	if err != nil {
		return err
	}
	d.site.data = changed
	o.figure(name, "refresh with 1 % changed", took.Seconds(), "s")
	o.figure(name, "store grew by", float64(sizeAfter-size)/1024, "KB")
	o.figure(name, "bytes written", float64(writtenAfter-written)/1024, "KB")
	return nil
}

// restart stops the daemon and measures its start with data.
func (o *operations) restart(ctx context.Context, d *dnsbld, name string) error {
	began := time.Now()
	d.proc.stop()
	o.figure(name, "stop", time.Since(began).Seconds(), "s")
	ctx, cancel := context.WithTimeout(ctx, o.options.startWait)
	defer cancel()
	r, err := dnsbldServer().restart(ctx, d.site, d.argv)
	if err != nil {
		return err
	}
	d.proc = r.proc
	o.figure(name, "restart to first right answer", r.start.Seconds, "s")
	o.figure(name, "restart, CPU", r.start.CPUSeconds, "s")
	o.figure(name, "RssAnon after restart", float64(r.start.RssAnonKB)/1024, "MB")
	return nil
}

// opIpsum: a public list's length of single hosts into an empty store, and the same file again.
func opIpsum(ctx context.Context, o *operations, name string) error {
	data := newDataset(o.options.seed, ipsumHosts, 24)
	data.spans, data.v6 = nil, nil
	d, err := o.daemon(ctx, name, data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	took, err := d.load(ctx, data, true)
	if err != nil {
		return err
	}
	o.figure(name, fmt.Sprintf("%d hosts to answering", ipsumHosts), took.Seconds(), "s")
	if took, err = d.load(ctx, data, true); err != nil {
		return err
	}
	o.figure(name, "the same file again", took.Seconds(), "s")
	return nil
}

// treeSize is the length of all files below dir.
func treeSize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}

// writtenBytes is what a process has handed to storage so far.
func writtenBytes(pid int) (int64, error) {
	return procField(fmt.Sprintf("/proc/%d/io", pid), "write_bytes:")
}
