using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>
/// Calls the REST API of Forgejo and Gitea. Every call has a time limit, every answer a size limit; redirects are not
/// followed, because a token would be sent along; a server that is not a forge is recognised.
/// </summary>
internal sealed class ForgeApi : IDisposable
{
    private const int MaxAnswer = 1 << 20;
    private const int ShownMessage = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(15);

    private readonly ForgeSettings settings;
    private readonly TimeProvider clock;
    private readonly HttpClient http;

    // The logins of the admin and of Hive's own account: a handful, however often they change.
    private readonly ConcurrentDictionary<ForgeLogin, bool> lasting = new();

    public ForgeApi(ForgeSettings settings, TimeProvider clock)
    {
        (this.settings, this.clock) = (settings, clock);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = !settings.IsLocal,
            ConnectTimeout = Patience,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            AutomaticDecompression = DecompressionMethods.None,
        };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri(settings.Url, "api/v1/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswer,
        };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Hive", null));
        http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    /// <summary>Checks that a forge answers.</summary>
    /// <param name="login">Used where the forge tells anonymous callers nothing; null for none.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>Its version; null when the forge does not tell it.</returns>
    /// <exception cref="ForgeFault">No forge answers at that address.</exception>
    public async Task<string?> Version(ForgeLogin? login, CancellationToken ct)
    {
        var answer = await Send(HttpMethod.Get, "version", null, null, ct);
        // A forge with REQUIRE_SIGNIN_VIEW answers like this, with a message.
        if (answer is { Status: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized, Said.Length: > 0 })
        {
            if (login is null)
                return null;
            answer = await Send(HttpMethod.Get, "version", login, null, ct);
        }

        return answer is { IsSuccess: true } && answer.Text("version") is { } version
            ? version
            : throw NoForge($"answered {answer.InShort}");
    }

    /// <summary>Sends a request.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">Below <c>/api/v1/</c>; names in it are agents' names or constants.</param>
    /// <param name="login">The login of the caller; null for anonymous.</param>
    /// <param name="body">Sent as JSON.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="secret">The part of the body that must not be shown, should the forge repeat it.</param>
    /// <returns>The answer, also when it refuses this one request.</returns>
    /// <exception cref="ForgeFault">The forge as a whole fails: unreachable, slow, another server, overloaded, or it
    /// refuses the login.</exception>
    public async Task<ForgeAnswer> Send(
        HttpMethod method,
        string path,
        ForgeLogin? login,
        object? body,
        CancellationToken ct,
        string? secret = null
    )
    {
        if (login is ForgeLogin.Token or ForgeLogin.Password { IsAdmin: true })
            lasting.TryAdd(login, true);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(method, path)
            {
                Content = body is null ? null : JsonContent.Create(body, options: WireJson.Options),
            };
            request.Headers.Authorization = Header(login);
            using var response = await http.SendAsync(request, limit.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(limit.Token);
            return Judge(response, bytes, login, secret);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new ForgeFault(
                $"{settings.Url} did not answer within {Patience.TotalSeconds:0} s",
                FaultScope.Forge,
                inner: e
            );
        }
        catch (HttpRequestException e)
        {
            throw new ForgeFault(Unreachable(e), FaultScope.Forge, inner: e);
        }
    }

    /// <summary>Shortens a text of the forge and removes secrets from it: those of this caller, of all lasting logins,
    /// and of the body that was sent.</summary>
    public string Clean(string text, ForgeLogin? asked = null, string? sent = null)
    {
        foreach (var login in lasting.Keys.Append(asked).OfType<ForgeLogin>())
        {
            var value = login switch
            {
                ForgeLogin.Token token => token.Value,
                ForgeLogin.Password password => password.Value,
                _ => "",
            };
            text = text.Replace(
                    Convert.ToBase64String(Encoding.UTF8.GetBytes(Basic(login))),
                    "…",
                    StringComparison.Ordinal
                )
                .Replace(value, "…", StringComparison.Ordinal);
        }

        // The secret may appear JSON-escaped.
        if (sent is not null)
            text = text.Replace(JsonSerializer.Serialize(sent, WireJson.Options)[1..^1], "…", StringComparison.Ordinal)
                .Replace(sent, "…", StringComparison.Ordinal);
        text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return text.Length <= ShownMessage
            ? text
            : string.Concat(
                text.AsSpan(0, char.IsHighSurrogate(text[ShownMessage - 1]) ? ShownMessage - 1 : ShownMessage),
                "…"
            );
    }

    public void Dispose() => http.Dispose();

    private static string Basic(ForgeLogin login) =>
        login switch
        {
            ForgeLogin.Password password => $"{password.User}:{password.Value}",
            ForgeLogin.Token token => $"{ForgeNames.Core}:{token.Value}",
            _ => "",
        };

    private static AuthenticationHeaderValue? Header(ForgeLogin? login) =>
        login switch
        {
            ForgeLogin.Token token => new AuthenticationHeaderValue("token", token.Value),
            ForgeLogin.Password => new AuthenticationHeaderValue(
                "Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes(Basic(login)))
            ),
            _ => null,
        };

    private ForgeAnswer Judge(HttpResponseMessage response, byte[] bytes, ForgeLogin? login, string? secret)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400)
        {
            var to = response.Headers.Location is { } location ? new Uri(http.BaseAddress!, location) : null;
            var shown = Clean(to?.GetLeftPart(UriPartial.Path) ?? "somewhere", login, secret);
            // The forge answers like this for the old name of a user or a repository.
            if (to?.GetLeftPart(UriPartial.Authority) == http.BaseAddress!.GetLeftPart(UriPartial.Authority))
                return new ForgeAnswer(response.StatusCode, null, $"redirects to {shown}");
            throw new ForgeFault(
                $"{settings.Url} redirects to {shown}, and Hive sends no token there: if that is the forge's "
                    + "address, set Forge:Url to it",
                FaultScope.Forge
            );
        }

        if (status is 429 or 502 or 503 or 504)
            throw new ForgeFault(
                $"{settings.Url} answered {status}: {(status == 429 ? "too many requests" : "not ready")}",
                status == 429 ? FaultScope.Busy : FaultScope.Forge,
                Rest(response)
            );
        JsonElement? body = null;
        if (bytes.Length > 0)
        {
            try
            {
                body = JsonElement.Parse(bytes);
            }
            catch (JsonException e)
            {
                if (status is < 300 or 401)
                    throw NoForge(
                        $"answered {status} with {response.Content.Headers.ContentType?.MediaType ?? "something"} "
                            + "that is not JSON",
                        e
                    );
            }
        }

        var answer = new ForgeAnswer(
            response.StatusCode,
            body,
            Clean(
                body is { ValueKind: JsonValueKind.Object } told
                && told.TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.String
                    ? message.GetString()!
                    : "",
                login,
                secret
            )
        );
        // The refusal concerns this one account, or an anonymous caller.
        if (status != 401 || login is null or ForgeLogin.Password { IsAdmin: false })
            return answer;
        throw login is ForgeLogin.Token { IsCore: true }
            ? new ForgeFault(
                $"the forge does not accept the token of '{ForgeNames.Core}' any more ({answer.Said}); Hive issues "
                    + "another",
                FaultScope.CoreToken
            )
            : new ForgeFault(
                $"the forge does not accept Hive's admin ({answer.Said}); check Forge:User with Forge:PasswordFile, "
                    + "or Forge:TokenFile",
                FaultScope.Forge
            );
    }

    private TimeSpan? Rest(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return asked is { } rest && rest > TimeSpan.Zero ? (rest < LongestRest ? rest : LongestRest) : null;
    }

    private ForgeFault NoForge(string said, Exception? inner = null) =>
        new(
            $"{settings.Url} {said}: it is not Forgejo or Gitea, or another server is in front of it; check Forge:Url",
            FaultScope.Forge,
            inner: inner
        );

    private string Unreachable(HttpRequestException e) =>
        e switch
        {
            { InnerException: AuthenticationException tls } =>
                $"the certificate of {settings.Url} does not verify ({Clean(tls.Message)}): give the host its "
                    + "authority with SSL_CERT_FILE, or fix the certificate",
            { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } =>
                $"{settings.Url} answered with more than {MaxAnswer >> 20} MiB",
            _ => $"{settings.Url} cannot be reached: {Clean((e.InnerException ?? e).Message)}",
        };
}
