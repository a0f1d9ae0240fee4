using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using MediatR;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Dashboard;

/// <summary>Exchanges the one-time code of a login link, or the access token, for a session key that the page keeps.
/// The session whose key comes in the header ends, as does the one used longest ago when 200 are open.</summary>
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

    internal sealed class Handler(
        IStore store,
        OperatorKeys keys,
        WrongKeys wrongKeys,
        Refusals refusals,
        IAudit audit,
        IHttpContextAccessor http
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            // Looked up in memory first: guesses never reach the writer.
            if (!keys.IsCode(command.Code) && !keys.IsToken(command.Code))
                throw Refusal();
            var context = http.HttpContext!;
            if (Gatekeeper.IsFromAfar(context) && keys.IsToken(command.Code))
            {
                refusals.Note(Refusals.FarToken, context);
                throw Problem.Forbidden(Gatekeeper.TokenFromAfar);
            }

            var address = Refusals.AddressOf(context);
            var former = Gatekeeper.KeyOf(context.Request);
            var client = ClientName.Of(context.Request.Headers.UserAgent.ToString());
            // All of it runs inside the write, so that a code is used up only if its session is stored.
            return store.Write(
                write =>
                {
                    var byLink = keys.TakeCode(write, command.Code);
                    // Another page was faster with the same link, or the token has been replaced.
                    if (!byLink && !keys.IsToken(command.Code))
                        throw Refusal();
                    var origin = new AuditOrigin(byLink ? "login link" : "access token", address);
                    // The one that the browser had until now. It makes room for the new one.
                    if (former is not null && keys.SessionOf(former) is { } ended && keys.End(write, ended))
                        audit.Add(write, AuditKind.SessionEnded, origin, OperatorKeys.Short(ended), "signed in again");
                    foreach (var surplus in keys.Surplus().Where(session => keys.End(write, session)))
                        audit.Add(write, AuditKind.SessionEnded, origin, OperatorKeys.Short(surplus), "too many");
                    var (id, key, expires) = keys.Open(write, address, client);
                    audit.Add(write, AuditKind.Login, origin, OperatorKeys.Short(id), client);
                    return new Result(key, expires);
                },
                CancellationToken.None
            );
        }

        private Problem Refusal() =>
            Problem.Forbidden(
                wrongKeys.TooMany(Refusals.Code, http.HttpContext!, out var wait)
                    ? $"too many wrong codes; try again in {Math.Ceiling(wait.TotalSeconds)} s"
                    : "the login link is used up or older than ten minutes; `hive open` gives a new one"
            );
    }
}
