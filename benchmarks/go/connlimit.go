package main

import (
	"net"

	"github.com/hashicorp/go-connlimit"
)

const addresses = 100_000

type socket struct {
	net.Conn
	remote *net.TCPAddr
}

func (s *socket) RemoteAddr() net.Addr { return s.remote }

// Accept and its free, by one goroutine, from one address and from each of many; and a refusal.
func connlimits() []figure {
	sockets := make([]*socket, addresses)
	for i := range sockets {
		sockets[i] = &socket{remote: &net.TCPAddr{IP: address(i), Port: 4001}}
	}

	limiter := connlimit.NewLimiter(connlimit.Config{MaxConnsPerClientIP: 100})
	acceptAndFree := func(count int) []float64 {
		return each(func(at int) {
			free, err := limiter.Accept(sockets[at%count])
			must(err)
			free()
		})
	}

	one := acceptAndFree(1)
	many := acceptAndFree(addresses)

	full := connlimit.NewLimiter(connlimit.Config{MaxConnsPerClientIP: 1})
	_, err := full.Accept(sockets[0])
	must(err)
	refused := each(func(int) {
		if _, err := full.Accept(sockets[0]); err == nil {
			panic("let somebody in")
		}
	})

	return []figure{
		{"accept and release", 1, "ns", one},
		{"accept and release", addresses, "ns", many},
		{"refuse", 1, "ns", refused},
	}
}
