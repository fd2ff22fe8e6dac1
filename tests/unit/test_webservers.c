/* SPDX-License-Identifier: ISC */
/*
 * Which keep-alive server comes next, and for how long one is left alone.
 * NEEDS: worker/webservers
 */
#include "standin.h"

#include "webservers.h"

#define A "192.0.2.1:80"
#define B "192.0.2.2:80"
#define C "192.0.2.3:80"

static struct webservers *w;
static const char *in_use[SERVERS_MAX];

static bool
is_busy(void *context, const struct addr *addr)
{
	unsigned int i;

	CHECK(context == &worker);
	for (i = 0; i < SERVERS_MAX && in_use[i] != NULL; i++) {
		struct addr a = address(in_use[i]);

		if (addr_equal(&a, addr))
			return true;
	}
	return false;
}

/* The next one as text; "" and how long to wait. */
static const char *
choose_text(bool urgent, double *wait)
{
	static char text[ADDR_TEXT_SIZE];
	const struct server *server = webservers_choose(w, is_busy, &worker, urgent, wait);

	return server != NULL ? addr_text(&server->addr, text) : "";
}

static void
check_choice(bool urgent, const char *wanted)
{
	double wait = -1;

	CHECK_TEXT(choose_text(urgent, &wait), wanted);
	CHECK(wait == 0);
}

static void
check_wait(bool urgent, double seconds)
{
	double wait = -1;

	CHECK_TEXT(choose_text(urgent, &wait), "");
	CHECK(wait > seconds - 0.01 && wait < seconds + 0.01);
}

static void
begin(void)
{
	standins_begin();
	in_use[0] = in_use[1] = NULL;
	w = webservers_new(&servers, NULL);
}

static void
note_failure(const char *server)
{
	struct addr a = address(server);

	webservers_note_failure(w, &a);
}

static void
note_vain(const char *server)
{
	struct addr a = address(server);

	webservers_note_vain(w, &a);
}

static void
note_success(const char *server)
{
	struct addr a = address(server);

	webservers_note_success(w, &a);
}

static void
note_life(const char *server, double seconds)
{
	struct addr a = address(server);

	webservers_note_life(w, &a, seconds, 5);
}

static bool
is_fickle(const char *server)
{
	struct addr a = address(server);

	return webservers_is_fickle(w, &a);
}

static void
test_turns(void)
{
	LIST(A, B, A, C);
	begin();
	CHECK(webservers_count(w) == 3);
	check_choice(false, A);
	check_choice(false, B);
	check_choice(false, A);
	in_use[0] = A;
	check_choice(false, C);
	check_choice(true, B);
	in_use[1] = B;
	check_choice(true, C);
	/* Nobody is free, and no time will change that. */
	LIST(A, B);
	check_wait(true, 0);
	CHECK(webservers_count(w) == 2);
	list_servers((const char *const[]){NULL});
	CHECK(webservers_count(w) == 0);
	check_wait(true, 0);
	webservers_free(w);
}

static void
test_rest(void)
{
	LIST(A, B);
	begin();
	note_failure(A);
	CHECK(blamed == 1);
	check_choice(false, B);
	check_choice(false, B);
	in_use[0] = B;
	check_wait(false, 30);
	check_choice(true, A);
	/* The supervisor, which others told, says better; but not that it is shorter. */
	servers.keep_alive[0].rest_until = (int64_t)now + 100;
	check_wait(false, 100);
	now += 101;
	check_choice(false, A);
	note_success(A);
	CHECK(praised == 1);
	note_success(B);
	CHECK(praised == 1);
	/* In need who did not fail comes first, ... */
	in_use[0] = NULL;
	note_failure(B);
	check_choice(true, A);
	check_choice(true, A);
	/* ... then who did, and then who was tried just now. */
	note_vain(A);
	check_choice(true, B);
	check_choice(true, B);
	note_vain(B);
	check_choice(true, A);
	check_choice(true, B);
	webservers_note_contact(w);
	check_choice(true, A);
	webservers_free(w);
}

static void
test_short_lives(void)
{
	unsigned int i;

	LIST(A);
	begin();
	note_life(A, 1);
	CHECK(!is_fickle(A));
	check_choice(true, A); /* once may be chance */
	note_life(A, 4.9);
	CHECK(is_fickle(A));
	check_wait(true, 1);
	note_life(A, 0);
	check_wait(true, 2);
	for (i = 0; i < 10; i++)
		note_life(A, 0);
	check_wait(true, 5);
	now += 5.1;
	check_choice(true, A);
	note_life(A, 5);
	CHECK(!is_fickle(A) && !is_fickle(B));
	note_life(A, 0);
	check_choice(true, A);
	webservers_free(w);
}

static void
note_idle_end(const char *server, double seconds, double limit)
{
	struct addr a = address(server);

	webservers_note_idle_end(w, &a, seconds);
	CHECK(webservers_idle_limit(w, &a) == limit);
}

static void
test_idle_limit(void)
{
	LIST(A, B);
	begin();
	note_idle_end(A, 30, 0);
	note_idle_end(A, 3, 0);
	note_idle_end(B, 3, 0);
	note_idle_end(A, 3.5, 3);
	note_idle_end(A, 40, 3);
	note_idle_end(A, 41, 40);
	webservers_free(w);
}

/* Of more servers than there is room for, those that were heard of last are known. */
static void
test_room(void)
{
	char text[ADDR_TEXT_SIZE];
	unsigned int i;

	LIST(A, B);
	begin();
	note_failure(A);
	for (i = 0; i < SERVERS_MAX - 1; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u:80", i);
		note_failure(text);
	}
	in_use[0] = B;
	check_wait(false, 30);
	note_failure("198.51.100.200:80");
	check_choice(false, A);
	webservers_free(w);
}

int
main(void)
{
	loop_start();
	worker.base = t.base;
	test_turns();
	test_rest();
	test_short_lives();
	test_idle_limit();
	test_room();
	loop_end();
	return check_done();
}
