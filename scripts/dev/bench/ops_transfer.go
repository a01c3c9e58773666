package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing"
)

// opTransfer: what secondaries cost: a transfer of the whole list to a client that reads as fast as it can, ten at once,
// what DNS answers meanwhile and how the daemon grows; a difference of a thousand changes; and how soon a change is told,
// one alone and among many.
func opTransfer(ctx context.Context, o *operations, name string) error {
	told, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return err
	}
	defer told.Close()
	s, err := o.env.newSite("op-"+name, o.data)
	if err != nil {
		return err
	}
	d, err := startDnsbld(ctx, s, fmt.Sprintf("[[zone]]\nname = %q\nns = [\"ns.example\"]\ntransfer_from = [\"127.0.0.0/8\"]\nnotify = [%q]\n", s.zone, told.LocalAddr()))
	if err != nil {
		return err
	}
	defer d.proc.stop()
	if _, err := d.load(ctx, o.data, false); err != nil {
		return err
	}
	if err := o.whole(ctx, d, name); err != nil {
		return err
	}
	if err := o.difference(ctx, d, name); err != nil {
		return err
	}
	return o.notified(ctx, d, told, name)
}

// whole takes the whole zone.
func (o *operations) whole(ctx context.Context, d *dnsbld, name string) error {
	pids, err := family(d.proc.pid)
	if err != nil {
		return err
	}
	before, err := anonymousKB(pids)
	if err != nil {
		return err
	}
	p := hitsOnly(o.data, o.options.seed, o.env.zone)
	if err := o.spells(d, p, name, "idle", times(int(o.options.window/quietSpell))); err != nil {
		return err
	}
	var one, cpu time.Duration
	var octets int64
	most, err := mostKB(pids, func() (err error) {
		cpu, err = spent(d, func() (err error) {
			one, octets, err = pull(d.site, 1, nil)
			return err
		})
		return err
	})
	if err != nil {
		return err
	}
	o.figure(name, fmt.Sprintf("AXFR of %d hosts", len(o.data.hosts)), one.Seconds(), "s")
	o.figure(name, "CPU of it", cpu.Seconds(), "s")
	o.figure(name, "octets of it", float64(octets)/1e6, "MB")
	o.figure(name, "RssAnon more than before, at most", float64(most-before)/1024, "MB")
	ten, _, err := pull(d.site, 10, nil)
	if err != nil {
		return err
	}
	o.figure(name, "ten at once", ten.Seconds(), "s")
	o.figure(name, "ten over one", ten.Seconds()/one.Seconds(), "×")
	done := make(chan error, 1)
	go func() {
		_, _, err := pull(d.site, 1, nil)
		done <- err
	}()
	err = o.spells(d, p, name, "beside a transfer", func() bool {
		select {
		case err := <-done:
			done <- err
			return false
		default:
			return true
		}
	})
	return errors.Join(err, <-done)
}

// difference takes what an import of a thousand changes.
func (o *operations) difference(ctx context.Context, d *dnsbld, name string) error {
	const changes = 1000
	before, err := serialOf(d.site)
	if err != nil {
		return err
	}
	file := filepath.Join(d.site.dir, "more.txt")
	if err := newDataset(o.options.seed+7, changes, 24).writePlain(file); err != nil {
		return err
	}
	if err := d.blctl(ctx, "import", file, "--format", "plain", "--reason", "manual", "--source", "more"); err != nil {
		return err
	}
	const runs = 21
	var took []float64
	cpu, err := spent(d, func() error {
		for range runs {
			one, _, err := pull(d.site, 1, &before)
			if err != nil {
				return err
			}
			took = append(took, one.Seconds()*1000)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.figure(name, fmt.Sprintf("IXFR of %d changes, median", changes), median(took), "ms")
	o.figure(name, "CPU of one", cpu.Seconds()*1000/runs, "ms")
	return nil
}

// notified sees when a secondary is told.
func (o *operations) notified(ctx context.Context, d *dnsbld, told *net.UDPConn, name string) error {
	a, err := newAdder(d)
	if err != nil {
		return err
	}
	defer a.close()
	heard := make(chan time.Time, 1000)
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := told.ReadFromUDP(b)
			if err != nil {
				close(heard)
				return
			}
			b[2] |= 0x80 // an answer
			_, _ = told.WriteToUDP(b[:n], from)
			heard <- time.Now()
		}
	}()
	var took []float64
	for n := range o.often(5) {
		time.Sleep(1500 * time.Millisecond) // the import, and the change before, have been told
		for len(heard) > 0 {
			<-heard
		}
		start := time.Now()
		if err := a.add(ctx, addAddress(uint32(n))); err != nil {
			return err
		}
		took = append(took, (<-heard).Sub(start).Seconds())
	}
	o.figure(name, "a change until NOTIFY, median", median(took), "s")
	time.Sleep(time.Second)
	for len(heard) > 0 {
		<-heard
	}
	storm := time.Duration(o.often(5)) * time.Second
	added := 0
	for start := time.Now(); time.Since(start) < storm; added++ {
		if err := a.add(ctx, addAddress(uint32(100+added))); err != nil {
			return err
		}
	}
	o.figure(name, fmt.Sprintf("NOTIFY a second among %.0f changes a second", float64(added)/storm.Seconds()), float64(len(heard))/storm.Seconds(), "1/s")
	return nil
}

// spent is the CPU time that the daemon takes meanwhile, that of threads which have ended too: those of transfers do.
func spent(d *dnsbld, do func() error) (time.Duration, error) {
	now := func() (time.Duration, error) {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.proc.pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		user, err := strconv.Atoi(fields[11])
		if err != nil {
			return 0, err
		}
		system, err := strconv.Atoi(fields[12])
		return time.Duration(user+system) * (time.Second / 100), err
	}
	before, err := now()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := now()
	return after - before, err
}

// pull transfers the zone to several clients at once, or what changed since a serial, and returns how long it was until
// the last one had all.
func pull(s site, clients int, since *uint32) (time.Duration, int64, error) {
	var all sync.WaitGroup
	failed := make([]error, clients)
	octets := make([]int64, clients)
	start := time.Now()
	for n := range clients {
		all.Go(func() { octets[n], failed[n] = pullOne(s, since) })
	}
	all.Wait()
	return time.Since(start), octets[0], errors.Join(failed...)
}

func pullOne(s site, since *uint32) (octets int64, err error) {
	conn, err := net.DialTimeout("tcp", s.addr.String(), 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return 0, err
	}
	q, soa, err := transferQuery(s.zone, since)
	if err != nil {
		return 0, err
	}
	if _, err := conn.Write(q); err != nil {
		return 0, err
	}
	wanted := 2 // SOA records, one at each end; of a difference two in the middle
	if since != nil {
		wanted = 4
	}
	counted := &counter{Reader: conn}
	message := make([]byte, 1<<16)
	for wanted > 0 {
		var size [2]byte
		if _, err := io.ReadFull(counted, size[:]); err != nil {
			return counted.n, fmt.Errorf("%d SOA records are missing: %w", wanted, err)
		}
		b := message[:binary.BigEndian.Uint16(size[:])]
		if _, err := io.ReadFull(counted, b); err != nil {
			return counted.n, err
		}
		if rcode := b[3] & 15; rcode != 0 {
			return counted.n, fmt.Errorf("the transfer is answered with rcode %d", rcode)
		}
		wanted -= bytes.Count(b, soa)
	}
	return counted.n, nil
}

// counter counts what is read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// transferQuery is a question for a transfer with its length, and how SOA records look in the answer: a pointer to the
// zone's name, type and class.
func transferQuery(zone string, since *uint32) (q, soa []byte, err error) {
	name, err := dnsmessage.NewName(zone + ".")
	if err != nil {
		return nil, nil, err
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeAXFR, Class: dnsmessage.ClassINET}}}
	if since != nil {
		const ixfr = 251
		m.Questions[0].Type = ixfr
		m.Authorities = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.SOAResource{NS: name, MBox: name, Serial: *since}}}
	}
	raw, err := m.Pack()
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...), []byte{0xc0, 12, 0, 6, 0, 1}, err
}

// serialOf asks for the zone's serial.
func serialOf(s site) (uint32, error) {
	conn, err := net.DialTimeout("udp", s.addr.String(), 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	name, err := dnsmessage.NewName(s.zone + ".")
	if err != nil {
		return 0, err
	}
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET}}}
	raw, err := m.Pack()
	if err != nil {
		return 0, err
	}
	if _, err := conn.Write(raw); err != nil {
		return 0, err
	}
	b := make([]byte, 1500)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, err
	}
	n, err := conn.Read(b)
	if err != nil {
		return 0, err
	}
	if err := m.Unpack(b[:n]); err != nil {
		return 0, err
	}
	for _, a := range m.Answers {
		if soa, ok := a.Body.(*dnsmessage.SOAResource); ok {
			return soa.Serial, nil
		}
	}
	return 0, fmt.Errorf("there is no SOA record: %w", listing.ErrNotFound)
}
