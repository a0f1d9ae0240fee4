using System.Net;
using Hive.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hive.Common.Doors;

/// <summary>Tells which keys open the dashboard's routes.</summary>
public interface IOperatorKeys
{
    /// <summary>True for the access token and for a session key that has not expired.</summary>
    bool Accepts(string key);

    /// <summary>Cancelled when the key stops working because somebody ended its session or replaced the access
    /// token.</summary>
    CancellationToken Ended(string key);

    /// <summary>True for the access token.</summary>
    bool IsToken(string key);

    /// <summary>The name of a key in the audit: the short id of its session, or <c>access token</c>; null when it opens
    /// nothing.</summary>
    string? NameOf(string key);
}

/// <summary>
/// Checks every HTTP request first: the Host header (against DNS rebinding), the Origin header (against foreign pages),
/// and the bearer key. Hive sets no cookies, so a browser sends no credentials unless the page does.
/// </summary>
public sealed class Gatekeeper(
    RequestDelegate next,
    HostNames hosts,
    IOperatorKeys keys,
    WrongKeys wrongKeys,
    Refusals refusals,
    SignedRoutes signed
)
{
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const long MaxKeylessBytes = 16 << 10;

    private static readonly MinDataRate KeylessRate = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));

    // The page uses none of the devices; what is not named here, such as the clipboard, stays allowed to it.
    private const string PermissionsPolicy =
        "accelerometer=(), autoplay=(), bluetooth=(), camera=(), display-capture=(), encrypted-media=(), "
        + "fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), "
        + "microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), "
        + "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), web-share=(), xr-spatial-tracking=()";

    /// <summary>Lets a request through or answers it.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        var connection = http.Features.Get<IKeylessConnection>();
        connection?.Begin();
        try
        {
            await Admit(http, connection);
        }
        finally
        {
            connection?.End();
        }
    }

    private async Task Admit(HttpContext http, IKeylessConnection? connection)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = PermissionsPolicy;
        if (IsPrivate(http.Request))
            headers.CacheControl = "no-store";
        if (!hosts.Allows(http.Request.Host.Host))
        {
            connection?.HasNoKey();
            refusals.Note(Refusals.Host, http);
            await RestErrors.Write(
                http,
                ErrorCode.Forbidden,
                $"Hive does not answer to the host name '{http.Request.Host.Host}'; add it to --allowed-hosts",
                StatusCodes.Status421MisdirectedRequest
            );
        }
        else if (http.Request.Headers.Origin.Count > 0 && !IsOwn(http.Request.Headers.Origin.ToString(), http.Request))
        {
            connection?.HasNoKey();
            refusals.Note(Refusals.Origin, http);
            await RestErrors.Write(http, ErrorCode.Forbidden, "pages of other sites may not call Hive");
        }
        else if (!NeedsKey(http.Request))
        {
            connection?.HasNoKey();
            if (!HttpMethods.IsGet(http.Request.Method))
                LimitBody(http);
            await next(http);
        }
        else if (await HasKey(http, connection))
        {
            connection?.HasKey();
            await next(http);
            if (http.Response.StatusCode == StatusCodes.Status403Forbidden)
                refusals.NoteForbidden(http, keys.NameOf(KeyOf(http.Request)!));
        }
    }

    /// <summary>The refusal of an access token that came over the network.</summary>
    public const string TokenFromAfar =
        "the access token is accepted over this machine's loopback alone, because it does not change; on this machine "
        + "use `hive` or the loopback address, on another one an ssh tunnel or a proxy with TLS on this machine, and "
        + "give Urls a loopback address, such as http://127.0.0.1:7000";

    /// <summary>True for a request whose connection is not over the loopback.</summary>
    public static bool IsFromAfar(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address
        && !IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    /// <summary>The bearer key of a request; null when it has none.</summary>
    public static string? KeyOf(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return
            header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && header[Scheme.Length..].Trim() is { Length: > 0 } key
            ? key
            : null;
    }

    // A proxy in front may speak https to the browser and http to Hive, so https is always accepted; http is accepted
    // unless the browser is known to speak https.
    private static bool IsOwn(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && !IsByTls(request)));

    private static bool IsByTls(HttpRequest request) =>
        request.IsHttps
        || request
            .Headers["X-Forwarded-Proto"]
            .ToString()
            .Split(',')[0]
            .Trim()
            .Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);

    private bool NeedsKey(HttpRequest request)
    {
        if (
            HttpMethods.IsPost(request.Method)
            && (request.Path.StartsWithSegments("/api/session") || signed.Contains(request.Path.Value))
        )
            return false;
        return IsPrivate(request);
    }

    // Everything but the page's own files and the few open documents.
    private static bool IsPrivate(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        || request.Path.StartsWithSegments("/api")
        || request.Path.StartsWithSegments("/dashboard");

    // A proof or a login is far below 1 KiB; a forge's event can be large.
    private static void LimitBody(HttpContext http)
    {
        if (
            http.Request.Path.StartsWithSegments("/api/session")
            && http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size
        )
            size.MaxRequestBodySize = MaxKeylessBytes;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = KeylessRate;
    }

    private async Task<bool> HasKey(HttpContext http, IKeylessConnection? connection)
    {
        var key = KeyOf(http.Request);
        if (key is not null && IsFromAfar(http) && keys.IsToken(key))
        {
            connection?.HasNoKey();
            refusals.Note(Refusals.FarToken, http);
            await RestErrors.Write(http, ErrorCode.Forbidden, TokenFromAfar);
            return false;
        }

        if (key is not null && keys.Accepts(key))
            return true;
        connection?.HasNoKey();
        http.Response.Headers.WWWAuthenticate = "Bearer";
        if (key is not null && wrongKeys.TooMany(Refusals.Key, http, out var wait))
        {
            http.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(
                System.Globalization.CultureInfo.InvariantCulture
            );
            await RestErrors.Write(
                http,
                ErrorCode.Forbidden,
                "too many wrong keys; try again after the seconds in Retry-After",
                StatusCodes.Status429TooManyRequests
            );
            return false;
        }

        if (key is null)
            refusals.Note(Refusals.NoKey, http);
        await RestErrors.Write(
            http,
            ErrorCode.Forbidden,
            "sign in first: `hive open` gives a login link; scripts send the access token as "
                + "`Authorization: Bearer …`",
            StatusCodes.Status401Unauthorized
        );
        return false;
    }
}

/// <summary>The names in a Host header that this host answers to, without the port.</summary>
/// <param name="names">Besides <c>localhost</c> and the loopback addresses.</param>
public sealed class HostNames(IEnumerable<string> names)
{
    private readonly HashSet<string> names = new(names, StringComparer.OrdinalIgnoreCase) { "localhost" };

    /// <summary>True for an allowed name and for any loopback address.</summary>
    public bool Allows(string host) =>
        names.Contains(host)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
