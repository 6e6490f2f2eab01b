// link is a TCP proxy that delays every byte by DELAY each way: a round trip takes twice as long, and so does a
// connect. It has no limit of its own for bytes per second. It prints "listening on ADDRESS"; then, for each
// SIGUSR1, a line of JSON with the connections and the bytes that went up since the last one.
//
//	link TARGET DELAY, for example link 127.0.0.1:5000 25ms
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type piece struct {
	due   time.Time
	bytes []byte
}

var connections, up atomic.Int64

func main() {
	delay, err := time.ParseDuration(os.Args[2])
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go report()
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		client, err := listener.Accept()
		if err != nil {
			continue
		}
		connections.Add(1)
		go join(client, os.Args[1], delay)
	}
}

func report() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	for range signals {
		fmt.Printf("{\"connections\":%d,\"bytes\":%d}\n", connections.Swap(0), up.Swap(0))
	}
}

func join(client net.Conn, target string, delay time.Duration) {
	// The client believes at once that it is connected: what a connect costs, its first bytes pay.
	time.Sleep(2 * delay)
	server, err := net.Dial("tcp", target)
	if err != nil {
		client.Close()
		return
	}
	go carry(server, client, delay, &up)
	carry(client, server, delay, nil)
}

func carry(to, from net.Conn, delay time.Duration, count *atomic.Int64) {
	queue := make(chan piece, 4096)
	go func() {
		for next := range queue {
			time.Sleep(time.Until(next.due))
			if _, err := to.Write(next.bytes); err != nil {
				break
			}
		}
		to.(*net.TCPConn).CloseWrite()
		for range queue {
		}
	}()
	for {
		buffer := make([]byte, 64<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			if count != nil {
				count.Add(int64(n))
			}
			queue <- piece{time.Now().Add(delay), buffer[:n]}
		}
		if err != nil {
			close(queue)
			return
		}
	}
}
