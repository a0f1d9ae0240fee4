using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Sends a message to one recipient or to everybody; when it answers, the message is on disk.</summary>
internal static class SendMessage
{
    internal sealed record Command(
        [property: Description("An agent's name, 'operator' for the human, or '*' for every other agent.")] string To,
        [property: Description("The text, at most 4096 bytes. For more, write a file under your state folder and send its path.")] string Body,
        Caller Caller,
        [property: Description("The id of the message this answers.")] long? InReplyTo = null,
        [property: Description("Any text of your own: repeating a call with the same key within 24 hours does not send again.")] string? Key = null) : IRequest<Result>;

    internal sealed record Result(long? Id = null, string? RecipientState = null, IReadOnlyList<long>? Ids = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.To).NotEmpty().WithMessage("'to' is empty; name an agent, 'operator' or '*'");
            RuleFor(c => c.Body).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders));
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, Broker broker, IRoster roster, IdempotencyKeys keys, IFileReferences references, IRecipientStates states) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var from = command.Caller.Name;
            roster.MustAllow(command.Caller, command.To);
            var found = await references.ScanAs(from, command.Body);
            var message = new Outgoing(from, command.To, command.Body, found, command.InReplyTo);
            // Once it is queued it is done: an answer that nobody waits for any more does not undo what was asked.
            return await store.Write(write => keys.Once(write, from, "send", command.Key, () => Store(write, message)), CancellationToken.None);
        }

        private Result Store(IWrite write, Outgoing message)
        {
            if (message.InReplyTo is { } original)
                MustConcern(write, message.From, original);
            if (message.To != Principals.Everyone)
            {
                if (message.To != Principals.Operator)
                    roster.Require(message.To);
                return new Result(Id: broker.Send(write, message).Id, RecipientState: message.To == Principals.Operator ? null : states.Of(message.To));
            }

            var ids = roster.Names.Where(name => name != message.From).Select(name => broker.Send(write, message with { To = name, Broadcast = true }).Id).ToArray();
            return new Result(Ids: ids);
        }

        private static void MustConcern(IWrite write, string sender, long original)
        {
            var row = write.Prepare("SELECT 1 FROM messages WHERE id = ?1 AND (recipient = ?2 OR sender = ?2)").Bind(1, original).Bind(2, sender);
            var found = row.Step();
            row.Reset();
            if (!found)
                throw Problem.NotFound($"'in_reply_to': no message {original} to or from {sender}");
        }
    }
}
