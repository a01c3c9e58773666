package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"dnsbld/ctl"
	"dnsbld/mta"
)

// logSessions is how many sessions are in the logs that are read.
const logSessions = 200_000

// opLog: lines/s of the log readers, on the generator's core, and sessions/s of blctl observe, the daemon's counting included.
func opLog(ctx context.Context, o *operations, name string) error {
	d, _, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	for _, format := range []string{"postfix", "exim", "ndjson"} {
		file := d.site.path(format + ".log")
		if err := writeLog(file, format, logSessions, func(n int) uint32 { return 100<<24 | uint32(n)*7919&0xffffff }); err != nil {
			return err
		}
		lines, err := readLog(file, format)
		if err != nil {
			return err
		}
		o.figure(name, "reader of "+format, lines, "lines/s")
	}
	start := time.Now()
	if err := d.blctl(ctx, "observe", d.site.path("postfix.log"), "--format", "postfix", "--receiver", "mx2"); err != nil {
		return err
	}
	o.figure(name, "observe, postfix, to the end of counting", logSessions/time.Since(start).Seconds(), "sessions/s")
	return nil
}

// readLog reads a whole log and gives its lines a second. What it must find shows that it was read.
func readLog(file, format string) (rate float64, err error) {
	log, err := mta.NewLog(format, mta.LogOptions{Receiver: "mx2"})
	if err != nil {
		return 0, err
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	runtime.GC()
	start, sessions := time.Now(), 0
	stats, err := mta.Read(f, log, func(mta.Report) error { sessions++; return nil })
	took := time.Since(start)
	if err == nil && (sessions != logSessions || stats.Skipped > 0) {
		err = fmt.Errorf("%d sessions of %d were found, %d lines skipped", sessions, logSessions, stats.Skipped)
	}
	return float64(stats.Lines) / took.Seconds(), err
}

// writeLog writes sessions of the last hours, each of another client, in the lines that the program writes.
func writeLog(file, format string, sessions int, client func(n int) uint32) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	start := time.Now().UTC().Add(-3 * time.Hour)
	for n := range sessions {
		at, a := start.Add(time.Duration(n)*10*time.Millisecond), addr4(client(n))
		switch pid := 100 + n%40; format {
		case "postfix":
			head := fmt.Sprintf("%s mx postfix/smtpd[%d]: ", at.Format("2006-01-02T15:04:05.000000Z07:00"), pid)
			fmt.Fprintf(w, "%sconnect from unknown[%s]\n", head, a)
			fmt.Fprintf(w, "%sNOQUEUE: reject: RCPT from unknown[%s]: 554 5.7.1 <b@rcpt.example>: Relay access denied; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<host-%d.sender.example>\n", head, a, n)
			fmt.Fprintf(w, "%sdisconnect from unknown[%s] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4\n", head, a)
		case "exim":
			head := at.Local().Format("2006-01-02 15:04:05") // as Exim does without log_timezone
			fmt.Fprintf(w, "%s H=(host-%d.sender.example) [%s] F=<a@sender.example> rejected RCPT <b@rcpt.example>: relay not permitted\n", head, n, a)
			fmt.Fprintf(w, "%s SMTP connection from (host-%d.sender.example) [%s] closed by QUIT\n", head, n, a)
		default:
			fmt.Fprintf(w, `{"time":%q,"receiver":"mx2","id":"%d","client":%q,"verb":"EHLO","helo":"host-%d.sender.example","rcpts":["rcpt.example"]}`+"\n", at.Format(time.RFC3339), n, a, n)
		}
	}
	return w.Flush()
}

// opFlood: what the daemon takes when every session comes from another address, as many as the list has hosts.
func opFlood(ctx context.Context, o *operations, name string) error {
	d, _, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	file := d.site.path("flood.ndjson")
	hosts := o.data.hosts
	if err := writeLog(file, "ndjson", len(hosts), func(n int) uint32 { return hosts[n] }); err != nil {
		return err
	}
	pids, err := family(d.proc.pid)
	if err != nil {
		return err
	}
	most := int64(0)
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			if kb, err := anonymousKB(pids); err == nil {
				most = max(most, kb)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	start := time.Now()
	err = d.blctl(ctx, "observe", file, "--format", "ndjson", "--receiver", "mx2")
	took := time.Since(start)
	cancel()
	<-watched
	if err != nil {
		return err
	}
	st, err := ctl.NewClient(d.socket).Status(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("asking what was counted: %w", err)
	}
	o.figure(name, fmt.Sprintf("%d addresses, one session each", len(hosts)), float64(len(hosts))/took.Seconds(), "sessions/s")
	o.figure(name, "RssAnon at its most", float64(most)/1024, "MB")
	o.figure(name, "networks lost", float64(st.Sensor.Lost), "")
	return nil
}
