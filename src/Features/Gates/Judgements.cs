using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Gates.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>
/// Judges gates: reads, judges what was read, and stores the verdict with its effect in one write, if nothing has
/// changed since the reading.
/// </summary>
internal sealed class Judgements(
    IStore store,
    ITickets tickets,
    GateReader reader,
    PhaseContexts contexts,
    Rework rework,
    Reviews reviews,
    MergeLooks looks,
    GateMarks marks,
    IOutbox outbox,
    TimeProvider clock
)
{
    // Of the bytes of a message, what is left for the ticket's title and the reasons.
    private const int ReasonBytes = 2000;

    /// <summary>Judges the gate of the phase that a ticket stands in, because the operator asks. A ticket that has left
    /// the phase in the meantime is not judged at its next gate.</summary>
    /// <exception cref="Problem">The ticket is not found, or does not run.</exception>
    public async Task<GateView> JudgeNow(long ticket, string phaseId, CancellationToken ct)
    {
        while (true)
        {
            var (gate, left) = await store.Read<(GateCase?, GateView?)>(
                db =>
                    reader.Require(db, ticket) is var now && now.PhaseId == phaseId
                        ? (reader.Read(db, Running(now)), null)
                        : (null, reader.Show(db, ticket, phaseId).View),
                ct
            );
            if (left is not null)
                return left;
            if (gate is null)
                throw Problem.Conflict(
                    $"the workflow of ticket {ticket} does not have the ticket's phase any more; move the ticket"
                );
            if (await Judge(gate, asked: true, ct) is { } view)
                return view;
        }
    }

    /// <summary>Judges a gate that was read.</summary>
    /// <param name="gate">What was read.</param>
    /// <param name="asked">The operator asks.</param>
    /// <param name="ct">Cancels the look at a repository.</param>
    /// <returns>The gate; null when it has changed since it was read.</returns>
    public async Task<GateView?> Judge(GateCase gate, bool asked, CancellationToken ct)
    {
        if (!gate.HasLooked && (asked || MergeLooks.Needs(gate)))
            gate = await looks.Look(gate, ct);
        var judgement = GateJudge.Judge(gate);
        var passed = judgement.Verdict(asked);
        // The write stores it only when nothing has changed since the gate was read.
        var packed = passed == true ? await store.Read(db => contexts.Pack(db, gate.Ticket, gate.Phase.Id), ct) : null;
        try
        {
            return await Write(null);
        }
        catch (ReworkRefusedException e)
        {
            // A person hears of it; otherwise the gate would rest until something changes it.
            return await Write(e.Message);
        }

        Task<GateView?> Write(string? refused) =>
            store.Write(write => Store(write, gate, judgement, passed, packed, refused), CancellationToken.None);
    }

    private GateView? Store(
        IWrite write,
        GateCase gate,
        Judgement judgement,
        bool? passed,
        PhaseContexts.Packed? packed,
        string? refused
    )
    {
        if (
            tickets.Find(write.Db, gate.Ticket.Id) is not { } now
            || now.PhaseId != gate.Ticket.PhaseId
            || now.GateRev != gate.Ticket.GateRev
            || !now.Runs
        )
            return null;
        if (gate.HasLooked)
            MergeLooks.Store(write, gate.Ticket.Id, gate.Merges!);
        var after = gate;
        if (passed is { } decided)
        {
            // Before the effect: the move that follows looks for the verdict and the context.
            var verdict = new Verdict(
                decided,
                decided ? [] : judgement.Reasons,
                gate.Ticket.GateRev,
                // As it is stored.
                DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds())
            );
            VerdictTable.Add(write, (gate.Ticket.Id, gate.Phase.Id), verdict, judgement.Criteria);
            after = after with { Verdicts = [verdict, .. gate.Verdicts] };
            if (packed is not null)
                contexts.Store(write, packed);
        }

        if (!tickets.Judged(write, gate.Ticket, passed, string.Join("; ", judgement.Reasons)))
            throw Problem.Conflict($"the gate of ticket {gate.Ticket.Id} changed while it was judged; judge it again");
        if (passed is null)
        {
            judgement = Ask(write, gate, judgement);
            BlockUnseen(write, gate, judgement);
        }
        else if (passed == false)
        {
            Failed(write, gate, judgement, refused);
        }

        var view = Shown(after, judgement, StatusAfter(write, gate, passed));
        write.Raise(new GateChanged(view));
        return view;
    }

    // Neither work nor time cures what keeps a branch from being looked at. The gate stays marked, so that it is judged
    // once a person has let the ticket go on.
    private void BlockUnseen(IWrite write, GateCase gate, Judgement judgement)
    {
        if (
            gate.HasLooked
            && !judgement.HasOpenTasks
            && !judgement.IsHeldUp
            && gate.Merges!.FirstOrDefault(m => m.IsForPerson) is { Fault: { } fault }
            && tickets.Block(
                write,
                gate.Ticket.Id,
                BlockTypes.Environment,
                TextRules.Cut($"the gate of {gate.Phase.Id} cannot be judged: {fault}", ReasonBytes),
                Principals.System
            )
        )
            marks.Mark(write, gate.Ticket.Id);
    }

    // The same judgement, with the reviews that are open then.
    private Judgement Ask(IWrite write, GateCase gate, Judgement judgement)
    {
        if (judgement.Questions.Count + judgement.Validations.Count == 0)
            return judgement;
        // Another judgement of the same evidence may have asked already.
        var open = ReviewTable
            .Of(write.Db, gate.Ticket.Id)
            .Where(r => ReviewTable.IsOpen(r) && r.PhaseId == gate.Phase.Id && r.Task is null)
            .GroupBy(r => (r.ReviewTask is not null, r.Question))
            .ToDictionary(r => r.Key, r => r.First().Id);
        foreach (var criterion in judgement.Validations)
        {
            if (!open.ContainsKey((true, criterion.Validator!)))
                open[(true, criterion.Validator!)] = reviews.AskValidator(write, gate, criterion).Id;
        }

        foreach (var question in judgement.Questions.Where(q => !open.ContainsKey((false, q))).Distinct().ToArray())
        {
            var review = ReviewTable.Ask(
                write,
                (gate.Ticket.Id, gate.Phase.Id),
                question,
                GateJudge.Seen(gate),
                gate.Failures,
                clock.GetUtcNow()
            );
            Tell(
                write,
                new
                {
                    @event = "review_asked",
                    review.Id,
                    ticket = gate.Ticket.Id,
                    title = TextRules.Cut(gate.Ticket.Title, ReasonBytes),
                    phase_id = gate.Phase.Id,
                    question,
                }
            );
            open[(false, question)] = review.Id;
        }

        return judgement with
        {
            Criteria =
            [
                .. judgement.Criteria.Select(c =>
                    c
                        is {
                            Kind: GateJudge.OperatorKind or GateJudge.ValidatorKind,
                            State: CriterionStates.Waiting,
                            Review: null
                        }
                    && open.TryGetValue((c.Kind == GateJudge.ValidatorKind, c.Text), out var review)
                        ? c with
                        {
                            Review = review,
                        }
                        : c
                ),
            ],
        };
    }

    // A refused task undoes the write, with a ticket that has gone back already.
    private string? Rework(IWrite write, GateCase gate, Judgement judgement)
    {
        try
        {
            return rework.Add(write, gate, judgement);
        }
        catch (Problem e) when (e.Code != ErrorCode.Unavailable)
        {
            throw new ReworkRefusedException(e.Message, e);
        }
    }

    private sealed class ReworkRefusedException(string message, Problem cause) : Exception(message, cause);

    private void Failed(IWrite write, GateCase gate, Judgement judgement, string? refused)
    {
        // A phase that has only to be done again has not failed.
        if (gate.IsToDoAgain)
            Returns.Excuse(write, gate);
        var rounds = gate.Rounds.With(judgement.Reasons, gate.MaxIterations);
        var forPerson =
            rounds.IsForPerson && !gate.IsToDoAgain
                ? rounds.Iteration >= gate.MaxIterations
                    ? $"the gate of {gate.Phase.Id} failed {rounds.Iteration} times"
                    : $"the gate of {gate.Phase.Id} failed twice for the same reasons"
                : (refused ?? Rework(write, gate, judgement)) is { } fault
                    ? $"the gate of {gate.Phase.Id} failed, and no rework can be made ({fault})"
                    : null;
        if (forPerson is null)
            return;
        var reasons = string.Join("; ", judgement.Reasons);
        tickets.Block(
            write,
            gate.Ticket.Id,
            BlockTypes.FailingChecks,
            TextRules.Cut($"{forPerson}: {reasons}", ReasonBytes),
            Principals.System
        );
        Tell(
            write,
            new
            {
                @event = "gate_failed",
                ticket = gate.Ticket.Id,
                title = TextRules.Cut(gate.Ticket.Title, ReasonBytes),
                phase_id = gate.Phase.Id,
                iteration = rounds.Iteration,
                why = forPerson,
                reasons = TextRules.Cut(reasons, 2 * ReasonBytes),
                next = $"correct it and unblock ticket {gate.Ticket.Id}, whose gate is then judged; or move it",
            }
        );
    }

    // The state of the gate that was judged, which its ticket may have left by now.
    private string StatusAfter(IWrite write, GateCase gate, bool? passed) =>
        passed == false ? ReviewTable.Failed
        : tickets.Find(write.Db, gate.Ticket.Id) is { } now && now.PhaseId == gate.Phase.Id ? now.Gate
        : passed == true ? ReviewTable.Passed
        : gate.Ticket.Gate;

    /// <summary>A gate as the doors show it.</summary>
    public static GateView Shown(GateCase gate, Judgement judgement, string status) =>
        new(
            gate.Ticket.Id,
            gate.Phase.Id,
            status,
            judgement.IsMet,
            judgement.Missing,
            [.. judgement.Waiting.Concat(judgement.Reasons).Distinct()],
            judgement.Criteria,
            gate.Rounds.Iteration,
            gate.MaxIterations,
            gate.Verdicts.Count > 0 ? gate.Verdicts[0].At : null
        );

    private void Tell(IWrite write, object body) =>
        outbox.Append(write, Principals.System, Principals.Operator, JsonSerializer.Serialize(body, WireJson.Options));

    private static TicketEntry Running(TicketEntry ticket) =>
        ticket.Runs
            ? ticket
            : throw Problem.Conflict(
                $"ticket {ticket.Id} "
                    + (
                        ticket.IsDone ? "has ended; make a follow-up"
                        : ticket.Blocked is { } type ? $"is blocked ({type}); unblock it first"
                        : ticket.Held ? "is held; release it first"
                        : "is not approved; approve it first"
                    )
            );
}
