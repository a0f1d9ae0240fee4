using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Exchanges the one-time code of a login link, or the access token, for a session key that the page
/// keeps.</summary>
internal static class OpenSession
{
    internal sealed record Command(string Code) : IRequest<Result>;

    internal sealed record Result(string Key, DateTimeOffset ExpiresAt);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Code)
                .NotEmpty()
                .WithMessage("'code' is missing")
                .MaximumLength(OperatorKeys.MaxLength)
                .WithMessage("'code' is too long");
    }

    internal sealed class Handler(IStore store, OperatorKeys keys, WrongKeys wrongKeys)
        : IRequestHandler<Command, Result>
    {
        // All inside the write: a code is used up exactly if its session was stored.
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    if (!keys.TakeCode(write, command.Code) && !keys.IsToken(command.Code))
                    {
                        throw Problem.Forbidden(
                            wrongKeys.TooMany(out var wait)
                                ? $"too many wrong codes; wait {Math.Ceiling(wait.TotalSeconds)} s"
                                : "this login link was used or is older than ten minutes; `hive open` gives a new one"
                        );
                    }

                    var (key, expires) = keys.Open(write);
                    return new Result(key, expires);
                },
                CancellationToken.None
            );
    }
}
