using Dapper;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Prices the bookings since a moment again, by the price table as it is now, budgets included. Each write
/// changes a few hundred bookings, and with them the budgets.</summary>
internal static class RebookCosts
{
    private const int PerWrite = 500;

    /// <param name="Since">The first moment.</param>
    internal sealed record Command(DateTimeOffset Since) : IRequest<Result>;

    /// <param name="Rebooked">How many bookings have another cost now.</param>
    /// <param name="BeforeUsd">What they cost before.</param>
    /// <param name="AfterUsd">What they cost now.</param>
    internal sealed record Result(long Rebooked, double BeforeUsd, double AfterUsd);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Since)
                .Must(since => since > DateTimeOffset.UnixEpoch)
                .WithMessage("'since' is missing, or before 1970");
    }

    internal sealed class Handler(
        IStore store,
        Budgets budgets,
        RunEstimates estimates,
        CostsToday today,
        IPrices prices,
        Lazy<IEnumerable<IBudgetedWork>> work
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var since = command.Since.ToUnixTimeMilliseconds();
            var first = await store.Read(
                db =>
                    db.ExecuteScalar<long?>(
                        "SELECT min(id) FROM bookings INDEXED BY bookings_at WHERE at >= @since",
                        new { since }
                    ),
                cancellationToken
            );
            var (last, count, before, after) = ((first ?? 1) - 1, 0L, 0L, 0L);
            while (true)
            {
                var changes = await store.Write(write => Some(write, since, last), cancellationToken);
                count += changes.Changed;
                before += changes.Before;
                after += changes.After;
                if (changes.Last is not { } next)
                    return new Result(count, Money.Usd(before), Money.Usd(after));
                last = next;
            }
        }

        private (long? Last, long Changed, long Before, long After) Some(IWrite write, long since, long last)
        {
            // First: a period that begins counts the rows that are stored.
            budgets.Roll(write);
            var rows = write
                .Db.Query<Booking>(
                    $"""
                    SELECT {Booking.Columns}
                      FROM bookings
                     WHERE id > @last AND at >= @since
                     ORDER BY id
                     LIMIT @PerWrite
                    """,
                    new
                    {
                        last,
                        since,
                        PerWrite,
                    }
                )
                .AsList();
            var changed = rows.Select(row => (Old: row, New: Again(row))).Where(r => r.Old != r.New).ToArray();
            foreach (var (_, row) in changed)
                write.Db.Execute(
                    """
                    UPDATE bookings SET micro = @Micro, completion_micro = @CompletionMicro, basis = @Basis
                     WHERE id = @Id
                    """,
                    row
                );
            foreach (var type in changed.Select(r => r.New.TaskType).OfType<string>().Distinct())
                estimates.Forget(write, type);
            foreach (var (old, row) in changed)
                today.Add(write, row.Agent, row.At, row.Micro - old.Micro);
            (long, long)[] tasks =
            [
                .. changed
                    .Where(r => r.New.Task is not null)
                    .GroupBy(r => r.New.Task!.Value)
                    .Select(of => (of.Key, of.Sum(r => r.New.Micro - r.Old.Micro))),
            ];
            foreach (var one in work.Value.Where(_ => tasks.Length > 0))
                one.Booked(write, tasks);
            budgets.Book(
                write,
                [.. changed.Select(r => new BookingChange(r.New.Subject, r.New.At, r.New.Micro - r.Old.Micro, 0))],
                []
            );
            return (
                rows.Count == PerWrite ? rows[^1].Id : null,
                changed.Length,
                changed.Sum(r => r.Old.Micro),
                changed.Sum(r => r.New.Micro)
            );
        }

        // A booking whose model the table does not have keeps its amount: the tool may have reported it.
        private Booking Again(Booking row)
        {
            if (row.AllTokens == 0)
                return row;
            var price = TurnPrices.Of(prices, row.Model, row.Tokens, null);
            return price.Basis == CostBasis.Assumed && row.Basis is CostBasis.Reported or CostBasis.Table
                ? row
                : row with
                {
                    Micro = price.Micro,
                    CompletionMicro = price.CompletionMicro,
                    Basis = price.Basis,
                };
        }
    }
}
