using System.Security.Cryptography;
using System.Text;
using Hive.Common.Doors;
using Hive.Common.Errors;
using MediatR;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Forge;

/// <summary>
/// The only route without a key: the forge signs the whole body (<c>X-Forgejo-Signature</c> or
/// <c>X-Gitea-Signature</c>: HMAC-SHA256 in hexadecimal digits). The signature is checked before anything else.
/// </summary>
internal sealed class Webhook(
    WebhookSecret secret,
    ForgeHook hook,
    WrongKeys wrongKeys,
    Refusals refusals,
    IMediator mediator
)
{
    private const int MaxName = 100;
    private const int SignatureDigits = 2 * HMACSHA256.HashSizeInBytes;

    public async Task Receive(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        var bytes = body.GetBuffer().AsMemory(0, (int)body.Length);
        if (!IsSigned(http.Request.Headers, bytes.Span))
        {
            var given = Signature(http.Request.Headers);
            // A text that is not a signature does not come from a forge; a forge whose webhook has no secret sends an
            // empty header.
            if (
                (given.Length == SignatureDigits && given.All(char.IsAsciiHexDigit))
                || (given.Length == 0 && http.Request.Headers.Any(h => IsSignature(h.Key)))
            )
                hook.Doubt();
            if (given.Length == 0)
                refusals.Note(Refusals.NoKey, http);
            // A request without a signature is not a guess.
            if (given.Length > 0 && wrongKeys.TooMany(Refusals.Signature, http, out var wait))
            {
                http.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(
                    System.Globalization.CultureInfo.InvariantCulture
                );
                await RestErrors.Write(
                    http,
                    Protocol.ErrorCode.Forbidden,
                    "too many wrong signatures; wait and try again",
                    StatusCodes.Status429TooManyRequests
                );
                return;
            }

            throw Problem.Forbidden(
                "the signature is missing or wrong; give the forge's webhook the secret in "
                    + "<DataDir>/forge-webhook-secret"
            );
        }

        if (!http.Request.HasJsonContentType())
            throw Problem.Invalid("set the webhook's content type to application/json");
        if (Event(http.Request.Headers) is not { } what)
            throw Problem.Invalid(
                $"X-Forgejo-Event (or X-Gitea-Event) must name the event, in at most {MaxName} characters"
            );
        await http.Response.WriteAsJsonAsync(
            await mediator.Send(new HearForge.Command(what, bytes), http.RequestAborted),
            Protocol.WireJson.Options,
            http.RequestAborted
        );
    }

    private static string? Event(IHeaderDictionary headers) =>
        Header(headers, "Event") is { Length: > 0 and <= MaxName } value ? value : null;

    private static bool IsSignature(string header) =>
        header.Equals("X-Forgejo-Signature", StringComparison.OrdinalIgnoreCase)
        || header.Equals("X-Gitea-Signature", StringComparison.OrdinalIgnoreCase);

    private static string Signature(IHeaderDictionary headers) => Header(headers, "Signature");

    // Forgejo's own header wins.
    private static string Header(IHeaderDictionary headers, string name) =>
        headers["X-Forgejo-" + name].ToString() is { Length: > 0 } own ? own : headers["X-Gitea-" + name].ToString();

    private bool IsSigned(IHeaderDictionary headers, ReadOnlySpan<byte> body)
    {
        var given = Signature(headers);
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        return secret.Read() is { } key
            && given.Length == SignatureDigits
            && Convert.FromHexString(given, signature, out _, out _) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(
                signature,
                HMACSHA256.HashData(Encoding.ASCII.GetBytes(key), body)
            );
    }
}
