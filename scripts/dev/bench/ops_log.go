package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"dnsbld/ctl"
	"dnsbld/mta"
)

// logSessions is how many sessions are in the logs that are read.
const logSessions = 200_000

// logColumns are those of the table that writeLog writes.
var logColumns = []string{"time", "client", "verb", "helo", "rcpt", "auth"}

// opLog: lines a second of processor time of the log readers, and sessions/s of blctl observe, the daemon's counting included.
func opLog(ctx context.Context, o *operations, name string) error {
	d, _, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	sessions := o.often(logSessions)
	for _, format := range []string{"postfix", "exim", "journal", "haraka", "opensmtpd", "rspamd", "csv", "ndjson"} {
		file := d.site.path(format + ".log")
		if err := writeLog(file, format, sessions, func(n int) uint32 { return 100<<24 | uint32(n)*7919&0xffffff }); err != nil {
			return err
		}
		lines, err := readLog(file, format, sessions)
		if err != nil {
			return err
		}
		o.figure(name, "reader of "+format, lines, "lines/s of CPU")
	}
	start := time.Now()
	if err := d.blctl(ctx, "observe", d.site.path("postfix.log"), "--format", "postfix", "--receiver", "mx2"); err != nil {
		return err
	}
	o.figure(name, "observe, postfix, to the end of counting", float64(sessions)/time.Since(start).Seconds(), "sessions/s")
	return nil
}

// readLog reads a whole log and gives its lines a second of processor time, user and system, the collector's included: a machine that is
// shared has other seconds on the clock. What it must find shows that it was read.
func readLog(file, format string, want int) (rate float64, err error) {
	log, err := mta.NewLog(format, mta.LogOptions{Receiver: "mx2", Columns: logColumns})
	if err != nil {
		return 0, err
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	runtime.GC()
	sessions := 0
	start, err := ownCPU()
	if err != nil {
		return 0, err
	}
	stats, err := mta.Read(f, log, func(mta.Report) error { sessions++; return nil })
	end, wrong := ownCPU()
	if err = errors.Join(err, wrong); err == nil && (sessions != want || stats.Skipped > 0) {
		err = fmt.Errorf("%d sessions of %d were found, %d lines skipped", sessions, want, stats.Skipped)
	}
	return float64(stats.Lines) / (end - start).Seconds(), err
}

// ownCPU is the processor time that this process has used.
func ownCPU() (time.Duration, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
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
		case "journal":
			for _, text := range []string{fmt.Sprintf("connect from unknown[%s]", a),
				fmt.Sprintf("NOQUEUE: reject: RCPT from unknown[%s]: 554 5.7.1 <b@rcpt.example>: Relay access denied; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<host-%d.sender.example>", a, n),
				fmt.Sprintf("disconnect from unknown[%s] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4", a)} {
				fmt.Fprintf(w, journalEntry, pid, at.UnixMicro(), pid, at.UnixMicro(), text)
			}
		case "haraka":
			head := fmt.Sprintf("%s [NOTICE] [ABCDEF01-%08d", at.Format("2006-01-02T15:04:05.000Z"), n)
			fmt.Fprintf(w, "%s] [core] connect ip=%s port=1 local_ip=198.51.100.25 local_port=25\n", head, a)
			fmt.Fprintf(w, "%s.1] [core] recipient <b@rcpt.example> code=DENY msg=\"no\" sender=a@sender.example\n", head)
			fmt.Fprintf(w, "%s.1] [core] disconnect ip=%s rdns=x helo=host-%d.sender.example relay=N early=N esmtp=Y tls=N pipe=N errors=0 txns=1 rcpts=0/0/1 msgs=0/0/0 bytes=0 lr=\"\" time=1\n", head, a, n)
		case "opensmtpd":
			head := fmt.Sprintf("report|0.7|%d.568165|smtp-in|", at.Unix())
			fmt.Fprintf(w, "%slink-connect|%016x|<unknown>|fail|%s:33174|198.51.100.25:25\n%slink-identify|%016x|EHLO|host-%d.sender.example\n", head, n, a, head, n, n)
			fmt.Fprintf(w, "%stx-mail|%016x|5d2e3c|ok|a@sender.example\n%stx-rcpt|%016x|5d2e3c|permfail|b@rcpt.example\n%slink-disconnect|%016x\n", head, n, head, n, head, n)
		case "rspamd":
			fmt.Fprintf(w, "%s #%d(normal) <472278>; task; rspamd_task_write_log: dnsbld ip=%s auth=no helo=%x rcpts=%x id: <x@sender.example> F (no action): [1/15] [] time: 1ms\n",
				at.Local().Format("2006-01-02 15:04:05"), pid, a, fmt.Sprintf("host-%d.sender.example", n), "rcpt.example")
		case "csv":
			fmt.Fprintf(w, "%s,%s,EHLO,host-%d.sender.example,b@rcpt.example,\n", at.Local().Format("2006-01-02 15:04:05"), a, n)
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

// journalEntry is an entry as journalctl -o json writes it.
const journalEntry = `{"SYSLOG_PID":"%d","_SOURCE_REALTIME_TIMESTAMP":"%d","_BOOT_ID":"8a16ec23dbb148b39e96b74b29ab4ab2","_EXE":"/usr/lib/postfix/sbin/smtpd",` +
	`"_TRANSPORT":"syslog","SYSLOG_FACILITY":"2","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"%d","__REALTIME_TIMESTAMP":"%d","MESSAGE":%q,` +
	`"_RUNTIME_SCOPE":"system","_MACHINE_ID":"3d1219c7c4c5404aaa1f6d2a48adfda4","__MONOTONIC_TIMESTAMP":"15956560133","PRIORITY":"6","_COMM":"smtpd","_GID":"0",` +
	`"__CURSOR":"s=69fd6a58303e4c69989eb6c7a8030919;i=3;b=8a16ec23dbb148b39e96b74b29ab4ab2;m=3b715c905;t=66161dbdb6295;x=c1fa30ebed0b4a3a","_UID":"101"}` + "\n"

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
