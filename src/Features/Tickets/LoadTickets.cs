using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Common.Yaml;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Makes the tickets of a YAML text, all or none.</summary>
internal static class LoadTickets
{
    /// <param name="Text">The YAML.</param>
    /// <param name="Caller">Who loads it.</param>
    /// <param name="Key">A repetition with it within 24 hours makes no second tickets.</param>
    internal sealed record Command(string Text, Caller Caller, string? Key = null) : IRequest<Result>;

    /// <param name="Tickets">The tickets in the order of the text.</param>
    internal sealed record Result(IReadOnlyList<Loaded> Tickets);

    /// <param name="Id">The ticket's id.</param>
    /// <param name="Ref">Its name in the text.</param>
    internal sealed record Loaded(long Id, string? Ref = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Text).MustBeText(TicketYaml.MaxBytes);
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, NewTickets tickets, IdempotencyKeys keys, IFileReferences references)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var caller = command.Caller.Name;
            List<(int Place, TicketYaml.Entry Entry)> read = [];
            foreach (var (place, entry) in TicketYaml.Read(command.Text))
            {
                var refs = await references.ScanAs(caller, entry.Ticket.Description ?? "");
                read.Add((place, entry with { Ticket = entry.Ticket with { DescriptionRefs = refs } }));
            }

            return await store.Write(
                write => keys.Once(write, caller, "tickets_load", command.Key, () => Make(write, read, caller)),
                CancellationToken.None
            );
        }

        private Result Make(IWrite write, List<(int Place, TicketYaml.Entry Entry)> read, string caller)
        {
            var faults = new YamlFaults();
            Dictionary<string, long> ids = [];
            List<(int Place, Loaded Loaded)> made = [];
            foreach (var (place, entry) in read)
            {
                var blockers = Blockers(write, entry, ids, faults);
                try
                {
                    var id = tickets.Make(write, entry.Ticket with { BlockedBy = blockers }, caller);
                    made.Add((place, new Loaded(id, entry.Ref)));
                    if (entry.Ref is { } name)
                        ids[name] = id;
                }
                catch (Problem e)
                {
                    // The rest is read on, to tell its faults too; nothing of it is stored.
                    faults.Add(entry.At, e.Message);
                }
            }

            return faults.Any
                ? throw faults.ToProblem()
                : new Result([.. made.OrderBy(m => m.Place).Select(m => m.Loaded)]);
        }

        private static List<long> Blockers(
            IWrite write,
            TicketYaml.Entry entry,
            Dictionary<string, long> ids,
            YamlFaults faults
        )
        {
            List<long> blockers = [];
            foreach (var (text, at) in entry.BlockedBy)
            {
                if (TicketYaml.IdOf(text) is not { } id)
                {
                    // A ref without a ticket has a fault of its own.
                    if (ids.TryGetValue(text, out var made))
                        blockers.Add(made);
                }
                else if (TicketTable.Find(write.Db, id) is null)
                {
                    faults.Add(at, $"ticket {id} not found");
                }
                else
                {
                    blockers.Add(id);
                }
            }

            return blockers;
        }
    }
}
