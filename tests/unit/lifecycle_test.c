/* SPDX-License-Identifier: MIT */
/* Every event in every state. What is expected is written from the contract's side, as one sentence
 * after another, not from the table's: what no sentence speaks of must leave all as it is.
 * Links: generation/lifecycle.c
 */
#include "expect.h"
#include "generation/lifecycle.h"

struct sentence {
	const char *says;
	enum life_state in;
	enum life_event on;
	enum life_action does;
	enum life_state goes_to;
};

static const struct sentence sentences[] = {
	{"HUP starts a successor", LIFE_SERVING, EVENT_REPLACE, ACTION_START_SUCCESSOR,
         LIFE_STARTING},
	{"USR1 starts a successor", LIFE_SERVING, EVENT_FORK, ACTION_START_SUCCESSOR,
         LIFE_STARTING},
	{"TERM begins the leave", LIFE_SERVING, EVENT_STOP, ACTION_BE_LAME_DUCK, LIFE_LAME_DUCK},

	{"a successor that fails leaves the old one serving", LIFE_STARTING, EVENT_FAILED,
         ACTION_ROLL_BACK, LIFE_SERVING},
	{"a successor that hangs is given up", LIFE_STARTING, EVENT_TIMED_OUT,
         ACTION_GIVE_UP_WAITING, LIFE_SERVING},
	{"a ready successor of HUP takes over", LIFE_STARTING, EVENT_READY_TO_REPLACE,
         ACTION_HAND_OVER, LIFE_HANDED_OVER},
	{"a ready successor of USR1 serves beside", LIFE_STARTING, EVENT_READY_BESIDE,
         ACTION_STAY_BESIDE, LIFE_SERVING},
	{"TERM while a successor starts cancels it", LIFE_STARTING, EVENT_STOP,
         ACTION_CANCEL_AND_LEAVE, LIFE_LAME_DUCK},

	{"the lame duck's time ends in the drain", LIFE_LAME_DUCK, EVENT_TIMED_OUT, ACTION_DRAIN,
         LIFE_DRAINING},
	{"a second TERM cuts the lame duck short", LIFE_LAME_DUCK, EVENT_STOP, ACTION_STOP_SERVER,
         LIFE_STOPPING},

	{"TERM after HUP asks for what is being done", LIFE_HANDED_OVER, EVENT_STOP, ACTION_NONE,
         LIFE_DRAINING},
	{"a successor that dies before this one stops accepting leaves it serving",
         LIFE_HANDED_OVER, EVENT_FAILED, ACTION_TAKE_BACK, LIFE_SERVING},
	{"a drain with a successor ends with the last connection", LIFE_HANDED_OVER, EVENT_DRAINED,
         ACTION_STOP_SERVER, LIFE_STOPPING},
	{"a drain with a successor ends at its deadline", LIFE_HANDED_OVER, EVENT_TIMED_OUT,
         ACTION_STOP_SERVER, LIFE_STOPPING},

	{"a drain ends with the last connection", LIFE_DRAINING, EVENT_DRAINED, ACTION_STOP_SERVER,
         LIFE_STOPPING},
	{"a drain ends at its deadline", LIFE_DRAINING, EVENT_TIMED_OUT, ACTION_STOP_SERVER,
         LIFE_STOPPING},
	{"a second TERM cuts the drain short", LIFE_DRAINING, EVENT_STOP, ACTION_STOP_SERVER,
         LIFE_STOPPING},

	{"a server that does not stop is killed", LIFE_STOPPING, EVENT_TIMED_OUT,
         ACTION_KILL_SERVER, LIFE_STOPPING},
};

static const struct sentence *find_sentence(enum life_state state, enum life_event event)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		if (sentences[i].in == state && sentences[i].on == event)
			return &sentences[i];
	}
	return NULL;
}

static int is_of_successor(enum life_event event)
{
	return event == EVENT_READY_TO_REPLACE || event == EVENT_READY_BESIDE ||
	       event == EVENT_FAILED;
}

/* One upgrade at a time, and none once the leave has begun: that is said in the log. A successor
 * speaks only while one is being born. The rest comes late and is harmless. */
static enum life_action unspoken_action(enum life_event event)
{
	if (event == EVENT_REPLACE || event == EVENT_FORK)
		return ACTION_REFUSE;
	return is_of_successor(event) ? ACTION_IMPOSSIBLE : ACTION_NONE;
}

static void check_step(enum life_state state, enum life_event event)
{
	const struct sentence *sentence = find_sentence(state, event);
	const struct life_step step = lifecycle_step(state, event);
	char what[128];

	snprintf(what, sizeof(what), "%s, event %d: %s", lifecycle_state_name(state), event,
	         sentence ? sentence->says : "nothing changes");
	expect_number(what, (long)step.next, (long)(sentence ? sentence->goes_to : state));
	strcat(what, " (action)");
	expect_number(what, (long)step.action,
	              (long)(sentence ? sentence->does : unspoken_action(event)));
}

/* Whatever state it is in, TERM once more and the passing of time end it. */
static void check_way_out(enum life_state state)
{
	const enum life_state begin = state;
	struct life_step step = lifecycle_step(state, EVENT_STOP);

	for (int i = 0; i < LIFE_STATES && step.action != ACTION_KILL_SERVER; i++)
		step = lifecycle_step(step.next, EVENT_TIMED_OUT);
	expect_number(lifecycle_state_name(begin), step.action, ACTION_KILL_SERVER);
}

int main(void)
{
	for (int state = 0; state < LIFE_STATES; state++) {
		for (int event = 0; event < LIFE_EVENTS; event++)
			check_step((enum life_state)state, (enum life_event)event);
		check_way_out((enum life_state)state);
		for (int other = 0; other < state; other++)
			expect_number("two states of one name",
			              strcmp(lifecycle_state_name((enum life_state)state),
			                     lifecycle_state_name((enum life_state)other)) == 0,
			              0);
	}
	expect_text("the first state", lifecycle_state_name(LIFE_SERVING), "serving");
	return expect_status();
}
