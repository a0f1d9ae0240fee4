using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>One Chromium for all tests of the run.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Places =
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];

    /// <summary>A name of this machine that the browser takes for another machine's.</summary>
    internal const string LanName = "hive.test";

    // Parts of the browser's own window, which nobody sees and which take a third of the time, and a process that is
    // started in advance. A later list replaces an earlier one, so that Playwright's is repeated.
    private static readonly string[] LeftOut =
    [
        "WebUIOmniboxPopup",
        "WebUIOmniboxAimPopup",
        "SpareRendererForSitePerProcess",
        "AimEnabled",
        "AvoidCorsURLLoaderRestartOnRedirect",
        "AvoidUnnecessaryBeforeUnloadCheckSync",
        "BlockOriginHeaderModificationOnRedirect",
        "DestroyProfileOnBrowserClose",
        "DialMediaRouteProvider",
        "GlobalMediaControls",
        "HttpsUpgrades",
        "LensOverlay",
        "MediaRouter",
        "NetworkTimeServiceQuerying",
        "OptimizationHints",
        "PaintHolding",
        "ThirdPartyStoragePartitioning",
        "Translate",
    ];

    private IPlaywright? playwright;
    private IBrowser? browser;

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } program)
            return;
        // A machine that runs other tests too may be slow; five seconds are not always enough.
        Assertions.SetDefaultExpectTimeout(60_000);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = program,
                Args =
                [
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    $"--disable-features={string.Join(',', LeftOut)}",
                    $"--host-resolver-rules=MAP {LanName} 127.0.0.1",
                ],
            }
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
    }

    /// <summary>A browser's profile of its own. Without a browser the test is skipped, or fails where everything is
    /// required.</summary>
    internal async Task<IBrowserContext> OpenAsync(int width = 1440, int height = 900, string? timezone = null)
    {
        const string Missing =
            "Chromium was not found: install the package `chromium`, or name the program in HIVE_CHROMIUM";
        if (browser is null)
        {
            Assert.SkipWhen(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), Missing);
            Assert.Fail(Missing);
        }

        return await browser.NewContextAsync(
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = width, Height = height },
                ReducedMotion = ReducedMotion.Reduce,
                TimezoneId = timezone,
            }
        );
    }

    private static string? Find() =>
        Environment.GetEnvironmentVariable("HIVE_CHROMIUM") is { Length: > 0 } named
            ? File.Exists(named)
                ? named
                : null
            : Places.FirstOrDefault(File.Exists);
}
