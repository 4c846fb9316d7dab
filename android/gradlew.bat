@echo off
rem Runs the Gradle of gradle\wrapper\gradle-wrapper.properties: with Gradle's own wrapper where its jar is there
rem (`gradle wrapper` makes it), else with the distribution, which is downloaded once and compared with its checksum.
rem curl, tar and certutil are part of Windows 10 and later.
setlocal
set "HOME_FOLDER=%~dp0"
set "PROPERTIES=%HOME_FOLDER%gradle\wrapper\gradle-wrapper.properties"
set "JAR=%HOME_FOLDER%gradle\wrapper\gradle-wrapper.jar"
if not exist "%JAR%" goto :distribution
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
"%JAVA%" -classpath "%JAR%" org.gradle.wrapper.GradleWrapperMain %*
exit /b %ERRORLEVEL%

:distribution
set "URL="
set "SUM="
for /f "usebackq tokens=1,* delims==" %%A in ("%PROPERTIES%") do (
    if "%%A"=="distributionUrl" set "URL=%%B"
    if "%%A"=="distributionSha256Sum" set "SUM=%%B"
)
set "URL=%URL:\:=:%"
for %%F in ("%URL%") do set "NAME=%%~nF"
set "NAME=%NAME:-bin=%"
if not defined GRADLE_USER_HOME set "GRADLE_USER_HOME=%USERPROFILE%\.gradle"
set "STORE=%GRADLE_USER_HOME%\edge-detection-kit"
if exist "%STORE%\%NAME%\bin\gradle.bat" goto :run
set "PART=%STORE%\part-%RANDOM%%RANDOM%"
mkdir "%PART%" || exit /b 1
curl -fsSL -o "%PART%\gradle.zip" "%URL%"
if errorlevel 1 (
    echo error: %URL% cannot be downloaded; install Gradle and call `gradle wrapper` here 1>&2
    goto :failed
)
set "ACTUAL="
for /f "skip=1 tokens=* delims=" %%H in ('certutil -hashfile "%PART%\gradle.zip" SHA256') do if not defined ACTUAL set "ACTUAL=%%H"
rem Windows before 10 1709 writes blanks between the bytes.
set "ACTUAL=%ACTUAL: =%"
if /i not "%ACTUAL%"=="%SUM%" (
    echo error: %URL% has another checksum than gradle-wrapper.properties says 1>&2
    goto :failed
)
tar -xf "%PART%\gradle.zip" -C "%PART%"
if errorlevel 1 (
    echo error: %URL% cannot be unpacked 1>&2
    goto :failed
)
rem Moved last, so that an interrupted download leaves nothing half-unpacked.
move "%PART%\%NAME%" "%STORE%\%NAME%" >nul
if errorlevel 1 goto :failed
rmdir /s /q "%PART%"

:run
cd /d "%HOME_FOLDER%"
call "%STORE%\%NAME%\bin\gradle.bat" %*
exit /b %ERRORLEVEL%

:failed
rmdir /s /q "%PART%"
exit /b 1
