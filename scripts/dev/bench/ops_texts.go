package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// opTexts: a data file of rbldnsd in which every entry has a text of its own, the dearest list to keep, read and
// imported; then what a desk asks of such a list, and a backup of it while entries are added.
func opTexts(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	file := d.site.path("texts.ip4trie")
	if err := o.data.writeTexts(file); err != nil {
		return err
	}
	lines, took, err := parseTexts(file)
	if err != nil {
		return err
	}
	o.figure(name, "ip4trie with texts, lines parsed", float64(lines)/took.Seconds(), "lines/s")
	start := time.Now()
	if err := d.blctl(ctx, "import", file, "--format", "rbldnsd:ip4trie", "--reason", "imported", "--source", "texts", "--replace"); err != nil {
		return err
	}
	last := onlyQuery(addr4(o.data.hosts[len(o.data.hosts)-1]), d.site.zone, wantListed)
	if err := ask(d.site.addr, last, dnsbldServer().rules, time.Second); err != nil {
		return fmt.Errorf("blctl import is done, but the last host is not answered: %w", err)
	}
	o.figure(name, fmt.Sprintf("%d hosts with texts to answering", lines), time.Since(start).Seconds(), "s")
	if err := o.lookUps(ctx, d, name); err != nil {
		return err
	}
	return o.backup(ctx, d, name)
}

// writeTexts writes the hosts as an ip4trie, each with a text of its own.
func (d *dataset) writeTexts(path string) error {
	return writeFile(path, func(put func([]byte)) {
		put([]byte(":" + codeText + ":" + textPrefix + "$\n"))
		var b []byte
		for n, h := range d.hosts {
			b = append(addr4(h).AppendTo(b[:0]), " :"+codeText+":seen by mx1.example.test in session "...)
			put(append(strconv.AppendInt(b, int64(n), 10), '\n'))
		}
	})
}

// parseTexts reads a file as an import does, and keeps nothing.
func parseTexts(path string) (lines int, took time.Duration, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	start := time.Now()
	r, err := feed.Read(f, feed.Options{Format: "rbldnsd:ip4trie", Reason: listing.Imported})
	if err != nil {
		return 0, 0, err
	}
	for _, err := range r.Entries() {
		if err != nil {
			return 0, 0, err
		}
		lines++
	}
	return lines, time.Since(start), nil
}

// lookUps are the medians of show and history, of listed hosts here and there.
func (o *operations) lookUps(ctx context.Context, d *dnsbld, name string) error {
	const many = 200
	client := ctl.NewClient(d.socket)
	r := stream(o.options.seed, streamQueries)
	for _, op := range []struct {
		what string
		ask  func(listing.Subject) error
	}{
		{"show", func(s listing.Subject) error { _, err := client.Show(ctx, s); return err }},
		{"history", func(s listing.Subject) error { _, err := client.History(ctx, s); return err }},
	} {
		var took []float64
		for range many {
			s := listing.HostSubject(addr4(o.data.hosts[r.IntN(len(o.data.hosts))]))
			start := time.Now()
			if err := op.ask(s); err != nil {
				return fmt.Errorf("%s %s: %w", op.what, s, err)
			}
			took = append(took, time.Since(start).Seconds())
		}
		o.figure(name, op.what+", median over the control socket", 1e3*median(took), "ms")
	}
	return nil
}
