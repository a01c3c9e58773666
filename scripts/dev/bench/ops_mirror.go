package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// opMirror: a second dnsbld that takes the list from the first: how long after its start it answers, its memory
// meanwhile and then, and how soon a change at the first shows.
func opMirror(ctx context.Context, o *operations, name string) error {
	of, err := o.env.newSite("op-"+name, o.data)
	if err != nil {
		return err
	}
	from, err := o.env.newSite("op-"+name+"-primary", o.data)
	if err != nil {
		return err
	}
	primary, err := startDnsbld(ctx, from, fmt.Sprintf("[[zone]]\nname = %q\nns = [\"ns.example\"]\ntransfer_from = [\"127.0.0.0/8\"]\nnotify = [%q]\n", from.zone, of.addr))
	if err != nil {
		return err
	}
	defer primary.proc.stop()
	if _, err := primary.load(ctx, o.data, false); err != nil {
		return err
	}
	mirror, err := startDnsbld(ctx, of, fmt.Sprintf("[[zone]]\nname = %q\nprimary = %q\n", of.zone, from.addr))
	if err != nil {
		return err
	}
	defer mirror.proc.stop()
	most, err := o.taken(ctx, mirror, name)
	if err != nil {
		return err
	}
	o.figure(name, "RssAnon at most", float64(most)/1024, "MB")
	time.Sleep(5 * time.Second) // it gives back what it took for that
	rest, err := anonymousKB([]int{mirror.proc.pid})
	if err != nil {
		return err
	}
	o.figure(name, "RssAnon at rest", float64(rest)/1024, "MB")
	return o.shown(ctx, primary, mirror, name)
}

// taken waits until a mirror has the whole list.
func (o *operations) taken(ctx context.Context, mirror *dnsbld, name string) (most int64, err error) {
	last := onlyQuery(addr4(o.data.hosts[len(o.data.hosts)-1]), mirror.site.zone, wantListed)
	return mostKB([]int{mirror.proc.pid}, func() error {
		took, err := mirror.proc.awaitAnswer(ctx, mirror.site.addr, last, rules{anyCode: true})
		o.figure(name, fmt.Sprintf("a mirror's start to its first of %d hosts", len(o.data.hosts)), took.Seconds(), "s")
		return err
	})
}

// shown sees how soon additions at the primary are answered by the mirror.
func (o *operations) shown(ctx context.Context, primary, mirror *dnsbld, name string) error {
	a, err := newAdder(primary)
	if err != nil {
		return err
	}
	defer a.close()
	var took []float64
	for n := range uint32(o.often(5)) {
		start := time.Now()
		if err := a.add(ctx, addAddress(n)); err != nil {
			return err
		}
		if _, err := mirror.proc.awaitAnswer(ctx, mirror.site.addr, onlyQuery(addAddress(n), mirror.site.zone, wantListed), rules{anyCode: true}); err != nil {
			return err
		}
		took = append(took, time.Since(start).Seconds())
	}
	o.figure(name, "a change until the mirror shows it, median", median(took), "s")
	return nil
}

// mostKB is the most anonymous memory that processes had while something was done.
func mostKB(pids []int, do func() error) (most int64, err error) {
	if most, err = anonymousKB(pids); err != nil {
		return 0, err
	}
	var watching sync.WaitGroup
	done := make(chan struct{})
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				if kb, err := anonymousKB(pids); err == nil {
					most = max(most, kb)
				}
			}
		}
	})
	err = do()
	close(done)
	watching.Wait()
	return most, err
}
