using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using MediatR;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Dashboard;

/// <summary>Proves to a page that this host knows the page's key, before the page sends it; needs no key.</summary>
internal static class ProveKey
{
    internal sealed record Query(string Id, string Nonce) : IRequest<Result>;

    /// <param name="Known">False when no key has this id, as after the end of a session or the use of a code.</param>
    /// <param name="Run">Names this run of the host; the page derives the mask for its key from it.</param>
    /// <param name="Proof">
    /// HMAC-SHA256 under the key's hash over <c>hive proof</c>, the page's origin, the run and the nonce, one a line.
    /// </param>
    internal sealed record Result(bool Known, string Run, string Proof);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Id)
                .Must(id => id?.Length == OperatorKeys.IdLength && id.All(char.IsAsciiHexDigitLower))
                .WithMessage($"'id' must be {OperatorKeys.IdLength} lower-case hex digits");
            RuleFor(q => q.Nonce)
                .Must(nonce => nonce?.Length is >= 22 and <= 86 && nonce.All(IsBase64Url))
                .WithMessage("'nonce' must be 22 to 86 characters of base64url");
        }

        private static bool IsBase64Url(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';
    }

    internal sealed class Handler(OperatorKeys keys, WrongKeys wrongKeys, IHttpContextAccessor http)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken)
        {
            // The proof covers the page's origin, which the browser sends: another site cannot pass the proof on.
            var origin = http.HttpContext!.Request.Headers.Origin.ToString();
            if (IsOfAnotherPort(origin, http.HttpContext.Connection.LocalPort))
                origin = "";
            var known = keys.Prove(query.Id, query.Nonce, origin, out var proof);
            // A known id is always answered, so that nobody can lock the operator out.
            if (!known && wrongKeys.TooMany(Refusals.Proof, http.HttpContext, out var wait))
                throw Problem.Unavailable($"too many unknown keys; try again in {Math.Ceiling(wait.TotalSeconds)} s");
            return Task.FromResult(new Result(known, keys.Run, proof));
        }

        // Over plain http, pages use proofs only at the machine's own addresses. A page from another port there belongs
        // to another program that passes the request on; the proof it gets is for no page.
        private static bool IsOfAnotherPort(string origin, int port) =>
            Uri.TryCreate(origin, UriKind.Absolute, out var page)
            && page.Scheme == Uri.UriSchemeHttp
            && page.Port != port;
    }
}
