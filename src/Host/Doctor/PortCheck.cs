using System.Net;
using System.Net.Sockets;
using Hive.Common.Doctor;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hive.Host.Doctor;

/// <summary>Checks that the dashboard's addresses belong to this host or are free.</summary>
internal sealed class PortCheck(HiveOptions options, IServiceProvider services) : ICheck
{
    private const string Topic = "network";
    private const string Advice = "Choose another with --urls (HIVE_URLS), such as --urls http://127.0.0.1:7001";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        string[] addresses = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()
            is { Addresses.Count: > 0 } listening
            ? [.. listening.Addresses]
            : options.Urls.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Task.FromResult<IReadOnlyList<Finding>>([
            .. addresses.Select(url => services.GetService<FolderLocks>() is null ? Free(url) : Own(url)),
            .. addresses.Any(HasLoopback) ? [] : new[] { NoLoopback },
        ]);
    }

    private static Finding NoLoopback =>
        new(
            Topic,
            "access token",
            FindingState.Failed,
            "no address of --urls (HIVE_URLS) is this machine's loopback, and the access token of scripts is accepted "
                + "there alone",
            "Add one to --urls (HIVE_URLS), such as http://127.0.0.1:7000, separated by ;"
        );

    // Also true for an address that is malformed, which has a finding of its own.
    private static bool HasLoopback(string url)
    {
        try
        {
            return Addresses(BindingAddress.Parse(url).Host)
                .Any(ip => IPAddress.IsLoopback(ip) || ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));
        }
        catch (FormatException)
        {
            return true;
        }
    }

    private static Finding Own(string url) => new(Topic, "dashboard", FindingState.Ok, $"listens at {url}");

    private static Finding Free(string url)
    {
        const string Name = "dashboard";
        try
        {
            var address = BindingAddress.Parse(url);
            foreach (var ip in Addresses(address.Host))
            {
                using var trial = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                trial.Bind(new IPEndPoint(ip, address.Port));
                trial.Listen();
            }

            return new Finding(
                Topic,
                Name,
                FindingState.Ok,
                address.Port == 0 ? $"{url}: any free port" : $"{url} is free"
            );
        }
        catch (FormatException e)
        {
            return new Finding(Topic, Name, FindingState.Failed, e.Message, Advice);
        }
        catch (SocketException e)
        {
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                e.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"{url} is taken by another program"
                    : $"cannot listen at {url}: {e.Message}",
                Advice
            );
        }
    }

    // As the server reads them: a name that is not an address means every interface.
    private static IPAddress[] Addresses(string host) =>
        host == "localhost" ? [IPAddress.Loopback]
        : host.StartsWith("unix:", StringComparison.Ordinal) ? []
        : IPAddress.TryParse(host, out var ip) ? [ip]
        : [IPAddress.Any];
}
