using System.ComponentModel;
using System.Data.Common;
using System.Text;
using Dapper;
using FluentValidation;
using Hive.Common.Activities;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Sends a message to one recipient or to every agent; the message is on disk before the answer.</summary>
internal static class SendMessage
{
    internal sealed record Command(
        [property: Description("An agent's name, 'operator', or '*' for every other agent.")] string To,
        [property: Description(
            "The text, at most 4096 bytes. For more, write a file under your state folder and give it as file_path."
        )]
            string Body,
        Caller Caller,
        [property: Description("The id of the message this answers.")] long? InReplyTo = null,
        [property: Description(
            "Any text of your own: repeating a call with the same key within 24 hours does not send again."
        )]
            string? Key = null,
        [property: Description(
            "A file under your state folder or /shared, at most 1 MiB: the recipient gets a copy. Not with '*'."
        )]
            string? FilePath = null
    ) : IRequest<Result>;

    internal sealed record Result(long? Id = null, string? RecipientState = null, IReadOnlyList<long>? Ids = null)
        : ICountsMessages
    {
        int ICountsMessages.Messages => Ids?.Count ?? 1;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.To).NotEmpty().WithMessage("'to' is empty; name an agent, 'operator' or '*'");
            RuleFor(c => c.Body).MustBeBody(c => BodyRules.WayOutOfMessage(c.Caller, roster, folders));
            RuleFor(c => c.Key).MustBeKey();
            RuleFor(c => c.FilePath).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.FilePath)
                .Null()
                .When(c => c.To == Principals.Everyone)
                .WithMessage(
                    "'file_path' goes to one recipient; for everybody put the file under /shared/ and send its path"
                );
        }
    }

    internal sealed class Handler(
        IStore store,
        Delivery delivery,
        IRoster roster,
        IdempotencyKeys keys,
        IFileReferences references,
        IFileHandover files,
        AgentFolders folders,
        IActivities activities
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            roster.MustAllow(command.Caller, command.To);
            return await (
                command.FilePath is { } path ? SendWithFile(command, path) : Send(command, file: null, fault: null)
            );
        }

        private async Task<Result> Send(Command command, string? file, Problem? fault)
        {
            var from = command.Caller.Name;
            var found = await references.ScanAs(from, command.Body);
            // The host put the copy there, so its path is a reference wherever it is.
            var message = new Outgoing(from, command.To, command.Body, found, command.InReplyTo);
            if (file is not null)
                message = message with
                {
                    Body = WithFile(command.Body, file),
                    FileRefs = [.. found.Where(path => path != file), file],
                };
            // Not cancelled when the client goes: a queued write cannot be taken back.
            return await store.Write(
                write =>
                    keys.Once(
                        write,
                        from,
                        "send",
                        command.Key,
                        () => fault is null ? Store(write, message) : throw fault
                    ),
                CancellationToken.None
            );
        }

        // When a call is repeated with its key, the file may be gone by now; the fault counts only if this is the first
        // call.
        private async Task<Result> SendWithFile(Command command, string path)
        {
            try
            {
                using var turn = await files.Begin(command.Caller.Name);
                await MustFit(command, command.Body);
                // Reading and copying wait for the disk, which must not block the socket's thread.
                var given = await Task.Run(() => Read(command, path), CancellationToken.None);
                // Counts in the share also when the message is refused.
                command.Caller.Connection?.Use(given.Bytes.Length);
                var file = AsSeen(command, given);
                // Every check comes before the recipient's folder changes. Messages that are sent at the same time can
                // still take the last room: the copy stays then, as one of the few that a recipient keeps of a sender.
                if (command.InReplyTo is { } original)
                    await store.Read(db => MustConcern(db, command.Caller.Name, original), CancellationToken.None);
                await MustFit(command, WithFile(command.Body, file));
                await Task.Run(() => files.Put(given), CancellationToken.None);
                return await Send(command, file, fault: null);
            }
            catch (Problem fault) when (command.Key is not null)
            {
                return await Send(command, file: null, fault);
            }
            catch (IOException e)
            {
                throw Problem.Unavailable($"the file could not be copied: {e.Message}", e);
            }
        }

        private Task<bool> MustFit(Command command, string body) =>
            store.Write(_ => MustFit(command.Caller.Name, command.To, body), CancellationToken.None);

        private HandedFile Read(Command command, string path) =>
            files.Read(
                command.Caller.Name,
                path,
                command.To == Principals.Operator ? null : roster.Require(command.To).Name
            );

        // The path of the copy as the recipient opens it.
        private string AsSeen(Command command, HandedFile given)
        {
            var file = given.To is { } to ? folders.AsSeenBy(roster.Require(to), given.Path) : given.Path;
            var bytes = Encoding.UTF8.GetByteCount(WithFile(command.Body, file));
            return bytes <= Limits.BodyBytes
                ? file
                : throw Problem.TooLarge(
                    $"'body' and the path of the file have {bytes} bytes, the limit is {Limits.BodyBytes}; shorten "
                        + "the text"
                );
        }

        private static string WithFile(string body, string file) => $"{body}\n\nFile: {file}";

        private Result Store(IWrite write, Outgoing message)
        {
            if (message.InReplyTo is { } original)
                MustConcern(write.Db, message.From, original);
            if (message.To != Principals.Everyone)
            {
                if (message.To != Principals.Operator)
                    roster.Require(message.To);
                MustFit(message.From, message.To, message.Body);
                return new Result(
                    Id: delivery.Send(write, message).Id,
                    RecipientState: message.To == Principals.Operator ? null : activities.Of(message.To)?.State
                );
            }

            string[] others = [.. roster.Names.Where(name => name != message.From)];
            foreach (var name in others)
                MustFit(message.From, name, message.Body);
            return new Result(
                Ids: [.. others.Select(name => delivery.Send(write, message with { To = name, Broadcast = true }).Id)]
            );
        }

        // The operator's messages are never too many.
        private bool MustFit(string from, string to, string body)
        {
            if (from != Principals.Operator)
                delivery.MustTake(to, from, body);
            return true;
        }

        private static bool MustConcern(DbConnection db, string sender, long original) =>
            db.ExecuteScalar<long?>(
                "SELECT 1 FROM messages WHERE id = @original AND (recipient = @sender OR sender = @sender)",
                new { original, sender }
            )
                is not null
                ? true
                : throw Problem.NotFound($"'in_reply_to': message {original} to or from {sender} not found");
    }
}
